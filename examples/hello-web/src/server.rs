//! The workload of the example: answers every request with one page.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;
use std::time::{Duration, Instant};

const PORT: u16 = 8080;
const MAX_REQUEST: u64 = 8 << 10;
const PATIENCE: Duration = Duration::from_secs(10);

static SERVED: AtomicU64 = AtomicU64::new(0);
static OPEN: AtomicU64 = AtomicU64::new(0);
const MAX_OPEN: u64 = 64;

fn main() -> std::io::Result<()> {
    let started = Instant::now();
    let listener = TcpListener::bind(("0.0.0.0", PORT))?;
    println!("listening on port {PORT}");
    for stream in listener.incoming() {
        let Ok(stream) = stream else { continue };
        if OPEN.fetch_add(1, Ordering::Relaxed) >= MAX_OPEN {
            OPEN.fetch_sub(1, Ordering::Relaxed);
            continue;
        }
        thread::spawn(move || {
            if let Err(e) = answer(stream, started) {
                eprintln!("connection: {e}");
            }
            OPEN.fetch_sub(1, Ordering::Relaxed);
        });
    }
    Ok(())
}

fn answer(mut stream: TcpStream, started: Instant) -> std::io::Result<()> {
    stream.set_read_timeout(Some(PATIENCE))?;
    stream.set_write_timeout(Some(PATIENCE))?;
    let mut reader = BufReader::new((&stream).take(MAX_REQUEST));
    let mut request = String::new();
    reader.read_line(&mut request)?;
    // The headers say nothing that this page needs, but they must be read.
    let mut line = String::new();
    while reader.read_line(&mut line)? > 2 {
        line.clear();
    }
    let count = SERVED.fetch_add(1, Ordering::Relaxed) + 1;
    println!("request {count}: {}", request.trim());
    let body = page(count, started);
    write!(
        stream,
        "HTTP/1.1 200 OK\r\nContent-Type: text/html; charset=utf-8\r\n\
         Content-Length: {}\r\nConnection: close\r\n\r\n{body}",
        body.len()
    )?;
    stream.flush()
}

fn page(count: u64, started: Instant) -> String {
    let greeting = std::env::var("GREETING").unwrap_or_else(|_| "Hello".to_owned());
    let host = std::env::var("HOSTNAME").unwrap_or_default();
    let seconds = started.elapsed().as_secs();
    let escape = |s: String| s.replace('&', "&amp;").replace('<', "&lt;");
    format!(
        "<!doctype html>\n<title>{0}</title>\n<h1>{0}</h1>\n\
         <p>Replica {1}, up for {seconds} s, request {count}.</p>\n",
        escape(greeting),
        escape(host),
    )
}
