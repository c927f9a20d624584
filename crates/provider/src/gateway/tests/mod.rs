mod access;
mod sessions;
mod world;
