//! What only the manifest tells: transports, host names, mounts, links between services.

use ve_client::manifest::{ManifestGroup, ManifestService};

use crate::backend::Capabilities;

/// The first thing that the backend would have to leave out, which a customer must hear before anything runs.
pub fn check_manifest(can: &Capabilities, group: &ManifestGroup) -> Result<(), String> {
    for service in &group.services {
        check_service(can, service).map_err(|cause| format!("service {}: {cause}", service.name))?;
    }
    Ok(())
}

fn check_service(can: &Capabilities, service: &ManifestService) -> Result<(), String> {
    for expose in &service.expose {
        let port = expose.effective_port();
        if expose.hosts.as_ref().is_some_and(|hosts| !hosts.is_empty()) && !can.host_names {
            return Err(format!("port {port}: host names are not served here; leave out `accept`"));
        }
        if expose.global && expose.proto == "UDP" && !can.udp {
            return Err(format!("port {port}: UDP is not published here; use TCP or another provider"));
        }
        if !expose.ip.is_empty() && !can.leased_ip {
            return Err(format!("port {port}: addresses are not leased here; leave out `ip`"));
        }
        if !expose.service.is_empty() && !can.service_links {
            return Err(format!("port {port}: services do not reach each other here; put both into one image"));
        }
    }
    let Some(params) = &service.params else { return Ok(()) };
    if params.tee.is_some() {
        return Err("confidential computing is not offered here; leave out `tee`".into());
    }
    if let Some(mount) = params.storage.iter().find(|mount| !mount.mount.is_empty()).filter(|_| !can.persistent_storage)
    {
        return Err(format!(
            "volume {} cannot be mounted at {}; make that folder a VOLUME of the image and leave the mount out",
            mount.name, mount.mount
        ));
    }
    Ok(())
}
