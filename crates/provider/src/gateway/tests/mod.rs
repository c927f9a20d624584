mod access;
mod sessions;
mod tokens;
mod world;
