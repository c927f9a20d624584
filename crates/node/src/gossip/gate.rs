//! Who may connect: strangers come slowly and not all from one place (platform spec section 3.4).

use std::collections::BTreeMap;
use std::convert::Infallible;
use std::net::IpAddr;
use std::task::{Context, Poll};
use std::time::{Duration, Instant};

use libp2p::core::Endpoint;
use libp2p::core::transport::PortUse;
use libp2p::multiaddr::Protocol;
use libp2p::swarm::dummy::ConnectionHandler as Silent;
use libp2p::swarm::{
    ConnectionDenied, ConnectionId, FromSwarm, NetworkBehaviour, THandler, THandlerInEvent, THandlerOutEvent, ToSwarm,
};
use libp2p::{Multiaddr, PeerId};

/// Connections of all strangers together in a second.
const PER_SECOND: u32 = 10;
/// Connections of one address in a minute.
const PER_MINUTE: u32 = 30;
/// Connections of one public network (/24, or /48 of IPv6) that are open.
const PER_NETWORK: usize = 3;
/// Addresses that are remembered.
const MAX_KNOWN: usize = 4_096;
const MINUTE: Duration = Duration::from_secs(60);

#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Closed {
    #[error("too many connections in a second")]
    Crowd,
    #[error("too many connections of this address in a minute")]
    Insistent,
    #[error("too many connections of this network")]
    Network,
    #[error("no address")]
    Unknown,
}

/// A window that began at an instant, and how many came in it.
type Count = (Instant, u32);

fn counted(count: &mut Count, now: Instant, window: Duration) -> u32 {
    if now.duration_since(count.0) >= window {
        *count = (now, 0);
    }
    count.1 = count.1.saturating_add(1);
    count.1
}

/// Incoming connections. Those of this machine are not counted; networks of private addresses are not limited, since
/// sentries and their validators share one.
#[derive(Debug)]
pub struct Gate {
    second: Count,
    minutes: BTreeMap<IpAddr, Count>,
    open: BTreeMap<ConnectionId, Vec<u8>>,
}

impl Gate {
    pub fn new(now: Instant) -> Self {
        Self { second: (now, 0), minutes: BTreeMap::new(), open: BTreeMap::new() }
    }

    fn knock(&mut self, now: Instant, ip: IpAddr) -> Result<(), Closed> {
        if ip.is_loopback() {
            return Ok(());
        }
        if self.minutes.len() >= MAX_KNOWN && !self.minutes.contains_key(&ip) {
            self.minutes.retain(|_, count| now.duration_since(count.0) < MINUTE);
            if self.minutes.len() >= MAX_KNOWN {
                return Err(Closed::Crowd);
            }
        }
        // The insistent are counted first, so that one of them does not use up everybody's second.
        if counted(self.minutes.entry(ip).or_insert((now, 0)), now, MINUTE) > PER_MINUTE {
            return Err(Closed::Insistent);
        }
        if counted(&mut self.second, now, Duration::from_secs(1)) > PER_SECOND {
            return Err(Closed::Crowd);
        }
        Ok(())
    }

    fn enter(&mut self, id: ConnectionId, ip: IpAddr) -> Result<(), Closed> {
        let Some(network) = network(ip) else { return Ok(()) };
        if self.open.values().filter(|open| **open == network).count() >= PER_NETWORK {
            return Err(Closed::Network);
        }
        self.open.insert(id, network);
        Ok(())
    }

    fn leave(&mut self, id: ConnectionId) {
        self.open.remove(&id);
    }
}

/// The public network that an address is of.
fn network(ip: IpAddr) -> Option<Vec<u8>> {
    match ip {
        IpAddr::V4(ip) if ip.is_loopback() || ip.is_private() || ip.is_link_local() => None,
        IpAddr::V4(ip) => Some(ip.octets()[..3].to_vec()),
        IpAddr::V6(ip) if ip.is_loopback() || ip.is_unique_local() || ip.is_unicast_link_local() => None,
        IpAddr::V6(ip) => Some(ip.octets()[..6].to_vec()),
    }
}

fn ip_of(address: &Multiaddr) -> Result<IpAddr, Closed> {
    let ip = address.iter().find_map(|part| match part {
        Protocol::Ip4(ip) => Some(IpAddr::V4(ip)),
        Protocol::Ip6(ip) => Some(ip.to_ipv4_mapped().map_or(IpAddr::V6(ip), IpAddr::V4)),
        _ => None,
    });
    ip.ok_or(Closed::Unknown)
}

impl NetworkBehaviour for Gate {
    type ConnectionHandler = Silent;
    type ToSwarm = Infallible;

    fn handle_pending_inbound_connection(
        &mut self,
        _: ConnectionId,
        _: &Multiaddr,
        remote: &Multiaddr,
    ) -> Result<(), ConnectionDenied> {
        let ip = ip_of(remote).map_err(ConnectionDenied::new)?;
        self.knock(Instant::now(), ip).map_err(ConnectionDenied::new)
    }

    fn handle_established_inbound_connection(
        &mut self,
        id: ConnectionId,
        _: PeerId,
        _: &Multiaddr,
        remote: &Multiaddr,
    ) -> Result<THandler<Self>, ConnectionDenied> {
        let ip = ip_of(remote).map_err(ConnectionDenied::new)?;
        self.enter(id, ip).map_err(ConnectionDenied::new)?;
        Ok(Silent)
    }

    fn handle_established_outbound_connection(
        &mut self,
        _: ConnectionId,
        _: PeerId,
        _: &Multiaddr,
        _: Endpoint,
        _: PortUse,
    ) -> Result<THandler<Self>, ConnectionDenied> {
        Ok(Silent)
    }

    fn on_swarm_event(&mut self, event: FromSwarm<'_>) {
        match event {
            FromSwarm::ConnectionClosed(closed) => self.leave(closed.connection_id),
            // Another behaviour may refuse a connection after this one let it in.
            FromSwarm::ListenFailure(failed) => self.leave(failed.connection_id),
            _ => {}
        }
    }

    fn on_connection_handler_event(&mut self, _: PeerId, _: ConnectionId, event: THandlerOutEvent<Self>) {
        match event {}
    }

    fn poll(&mut self, _: &mut Context<'_>) -> Poll<ToSwarm<Self::ToSwarm, THandlerInEvent<Self>>> {
        Poll::Pending
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ip(text: &str) -> IpAddr {
        text.parse().expect("an address")
    }

    #[test]
    fn strangers_come_ten_in_a_second_and_thirty_in_a_minute_from_one_address() {
        let now = Instant::now();
        let mut gate = Gate::new(now);
        let crowd: Vec<_> = (0..12).map(|last| gate.knock(now, ip(&format!("203.0.113.{last}")))).collect();
        assert_eq!(crowd.iter().filter(|knock| knock.is_ok()).count(), 10);
        assert_eq!(crowd[11], Err(Closed::Crowd));
        let insistent = |gate: &mut Gate, second: u64| gate.knock(now + Duration::from_secs(second), ip("2001:db8::1"));
        assert!((1..=30).all(|second| insistent(&mut gate, second).is_ok()));
        assert_eq!(insistent(&mut gate, 31), Err(Closed::Insistent));
        assert_eq!(insistent(&mut gate, 62), Ok(()), "a new minute");
        assert!((0..100).all(|_| gate.knock(now, ip("127.0.0.1")).is_ok()), "this machine");
    }

    #[test]
    fn one_public_network_holds_three_connections_and_private_ones_any_number() {
        let mut gate = Gate::new(Instant::now());
        let id = ConnectionId::new_unchecked;
        for number in 1..=3 {
            assert_eq!(gate.enter(id(number), ip(&format!("203.0.113.{number}"))), Ok(()));
        }
        assert_eq!(gate.enter(id(4), ip("203.0.113.77")), Err(Closed::Network));
        assert_eq!(gate.enter(id(5), ip("203.0.114.77")), Ok(()), "another network");
        gate.leave(id(2));
        assert_eq!(gate.enter(id(6), ip("203.0.113.77")), Ok(()), "after one left");
        assert!((10..30).all(|number| gate.enter(id(number), ip("10.1.2.3")).is_ok()));
        let mapped: Multiaddr = "/ip6/::ffff:203.0.113.9/tcp/1".parse().expect("an address");
        assert_eq!(ip_of(&mapped), Ok(ip("203.0.113.9")), "one machine has one name");
        assert_eq!(ip_of(&"/memory/1".parse().expect("an address")), Err(Closed::Unknown));
    }
}
