pub mod submit_evidence;
