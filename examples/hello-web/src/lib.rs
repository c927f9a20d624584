//! The image of `deploy.yaml`, as parts: the static executable and how it runs.
//!
//! It is compiled with the product, so that the example needs no registry, no
//! image tools and no network.

/// The web server, a static executable for the machine that this was built for.
pub const SERVER: &[u8] = include_bytes!(concat!(env!("OUT_DIR"), "/hello-web"));

/// Directory name of the image's layout: with `TAG` it is the `image` of
/// `deploy.yaml`, `localhost/hello-web:1`.
pub const NAME: &str = "hello-web";

/// Tag of the image.
pub const TAG: &str = "1";

/// TCP port that the server listens on.
pub const PORT: u16 = 8080;

/// Path of the executable inside the image, without the leading slash.
pub const PATH: &str = "hello-web";

/// The deployment file.
pub const DEPLOY: &str = include_str!("../deploy.yaml");

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_server_is_an_executable() {
        assert!(SERVER.starts_with(b"\x7fELF"));
    }

    #[test]
    fn the_deployment_names_this_image_and_port() {
        assert!(DEPLOY.contains(&format!("image: localhost/{NAME}:{TAG}")));
        assert!(DEPLOY.contains(&format!("port: {PORT}")));
    }
}
