//! The examples of `deploy/` and `docs/deploy.md` fit the program.

use std::io::{BufRead as _, BufReader};
use std::process::Stdio;

use deskbell_protocol::FILE_BYTES_MAX;

use crate::crash::{make, program, run};

const UNIT: &str = include_str!("../../../../deploy/deskbell-server.service");
const NGINX: &str = include_str!("../../../../deploy/nginx.conf");
const CADDY: &str = include_str!("../../../../deploy/Caddyfile");
const DOCKER: &str = include_str!("../../../../deploy/Dockerfile");
const GUIDE: &str = include_str!("../../../../docs/deploy.md");

fn of_the_unit() -> Vec<&'static str> {
    let line = UNIT.lines().find_map(|line| line.strip_prefix("ExecStart=/usr/local/bin/deskbell-server ")).unwrap();
    line.split(' ').collect()
}

fn after<'a>(arguments: &[&'a str], name: &str) -> &'a str {
    arguments[arguments.iter().position(|argument| *argument == name).unwrap() + 1]
}

#[test]
fn dc_01_the_unit_starts_the_server_and_the_proxies_reach_it() {
    let mut arguments = of_the_unit();
    let listen = after(&arguments, "--listen");
    assert!(NGINX.contains(&format!("proxy_pass http://{listen};")), "nginx asks elsewhere than {listen}");
    assert!(CADDY.contains(&format!("reverse_proxy {listen} ")), "Caddy asks elsewhere than {listen}");
    let place = after(&arguments, "--data");
    assert_eq!(place.strip_prefix("/var/lib/"), UNIT.lines().find_map(|line| line.strip_prefix("StateDirectory=")));
    let largest = FILE_BYTES_MAX / (1024 * 1024) + 1;
    assert!(NGINX.contains(&format!("client_max_body_size {largest}m;")), "nginx cuts files off below {largest} MB");
    assert!(CADDY.contains(&format!("max_size {largest}MB")), "Caddy cuts files off below {largest} MB");

    let directory = tempfile::tempdir().unwrap();
    let data = directory.path().join("desk");
    make(&data);
    for argument in &mut arguments {
        if *argument == place {
            *argument = data.to_str().unwrap();
        } else if *argument == listen {
            *argument = "127.0.0.1:0";
        }
    }
    let mut process = program().args(&arguments).stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap();
    let mut line = String::new();
    BufReader::new(process.stdout.take().unwrap()).read_line(&mut line).unwrap();
    process.kill().unwrap();
    process.wait().unwrap();
    assert!(line.starts_with("Listening on http://127.0.0.1:"), "{line}");
}

#[test]
fn dc_01_every_command_of_the_guide_is_one_of_the_program() {
    let mut seen = 0;
    for line in GUIDE.lines() {
        let line = line.strip_prefix("sudo -u deskbell ").unwrap_or(line);
        let Some(command) = line.strip_prefix("deskbell-server ") else { continue };
        let command = command.split('#').next().unwrap().replace("\"Tea shop\"", "Tea-shop");
        let mut arguments: Vec<&str> = command.split_whitespace().collect();
        // Everything before it has to be right for it to be answered.
        arguments.push("--help");
        let (known, _, wrong) = run(&arguments, "");
        assert!(known, "{line}: {wrong}");
        seen += 1;
    }
    assert!(seen >= 7, "the guide's commands were not found: {seen}");
    let line = DOCKER.lines().find_map(|line| line.strip_prefix("CMD ")).unwrap();
    let mut arguments: Vec<String> = serde_json::from_str(line).unwrap();
    arguments.push("--help".to_owned());
    let (known, _, wrong) = run(&arguments.iter().map(String::as_str).collect::<Vec<_>>(), "");
    assert!(known, "the image's command: {wrong}");
}
