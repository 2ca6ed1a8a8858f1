//! The examples of `deploy/` and `docs/deploy.md` fit the program.

use std::io::{BufRead as _, BufReader};
use std::process::Stdio;

use deskbell_protocol::FILE_BYTES_MAX;

use crate::crash::{make, program, run};

const UNIT: &str = include_str!("../../../../deploy/deskbell-server.service");
const FILE: &str = include_str!("../../../../deploy/deskbell-server.toml");
const NGINX: &str = include_str!("../../../../deploy/nginx.conf");
const CADDY: &str = include_str!("../../../../deploy/Caddyfile");
const DOCKER: &str = include_str!("../../../../deploy/Dockerfile");
const GUIDE: &str = include_str!("../../../../docs/deploy.md");

fn of_the_unit() -> Vec<&'static str> {
    let line = UNIT.lines().find_map(|line| line.strip_prefix("ExecStart=/usr/local/bin/deskbell-server ")).unwrap();
    line.split(' ').collect()
}

/// A key's value in the example of settings.
fn told(key: &str) -> &'static str {
    let line = FILE.lines().find_map(|line| line.strip_prefix(key)?.strip_prefix(" = ")).unwrap();
    line.trim_matches('"')
}

/// Starts a server by arguments and the environment, and says where it listens.
fn listens(arguments: &[&str], environment: &[(&str, &str)]) -> String {
    let mut process = program();
    process.args(arguments).envs(environment.iter().copied()).stdout(Stdio::piped()).stderr(Stdio::null());
    let mut process = process.spawn().unwrap();
    let mut line = String::new();
    BufReader::new(process.stdout.take().unwrap()).read_line(&mut line).unwrap();
    process.kill().unwrap();
    process.wait().unwrap();
    line
}

#[test]
fn dc_01_the_unit_starts_the_server_and_the_proxies_reach_it() {
    assert_eq!(of_the_unit(), ["serve", "--config", "/etc/deskbell-server.toml"]);
    let (listen, place) = (told("listen"), told("data"));
    assert!(NGINX.contains(&format!("proxy_pass http://{listen};")), "nginx asks elsewhere than {listen}");
    assert!(CADDY.contains(&format!("reverse_proxy {listen} ")), "Caddy asks elsewhere than {listen}");
    assert_eq!(place.strip_prefix("/var/lib/"), UNIT.lines().find_map(|line| line.strip_prefix("StateDirectory=")));
    let largest = FILE_BYTES_MAX / (1024 * 1024) + 1;
    assert!(NGINX.contains(&format!("client_max_body_size {largest}m;")), "nginx cuts files off below {largest} MB");
    assert!(CADDY.contains(&format!("max_size {largest}MB")), "Caddy cuts files off below {largest} MB");

    let directory = tempfile::tempdir().unwrap();
    let data = directory.path().join("desk");
    make(&data);
    // Every line of the example is one that the server takes, those that are commented out too, but for the database
    // of cities, which is not here.
    let file = directory.path().join("server.toml");
    let text = FILE
        .replace("# public_origin", "public_origin")
        .replace("# webhook_networks", "webhook_networks")
        .replace("# visitor_sockets", "visitor_sockets")
        .replace("# new_visitors", "new_visitors")
        .replace("# log_format", "log_format");
    let (desk, provider) = text.split_once("# [provider]\n").unwrap();
    let provider: Vec<_> = provider.lines().filter(|line| line.contains(" = ")).map(|line| &line[2..]).collect();
    let text = format!("{desk}[provider]\n{}\n", provider.join("\n"));
    let text = text
        .replace("# metrics_listen = \"127.0.0.1:9464\"", "metrics_listen = \"127.0.0.1:0\"")
        .replace(place, data.to_str().unwrap());
    std::fs::write(&file, text.replace(listen, "127.0.0.1:0")).unwrap();
    let line = listens(&["serve", "--config", file.to_str().unwrap()], &[]);
    assert!(line.starts_with("Listening on http://127.0.0.1:"), "{line}");
}

#[test]
fn dc_01_the_command_line_wins_over_the_environment_and_that_over_the_file_where_a_strange_key_is_an_error() {
    let directory = tempfile::tempdir().unwrap();
    let data = directory.path().join("desk");
    make(&data);
    let file = directory.path().join("server.toml");
    let text = format!("data = {:?}\nlisten = \"127.0.0.2:0\"\n", data.to_str().unwrap());
    std::fs::write(&file, &text).unwrap();
    let by_file = ["serve", "--config", file.to_str().unwrap()];
    let by_line = ["serve", "--config", file.to_str().unwrap(), "--listen", "127.0.0.4:0"];
    let environment = ("DESKBELL_LISTEN", "127.0.0.3:0");
    assert!(listens(&by_file, &[]).starts_with("Listening on http://127.0.0.2:"));
    assert!(listens(&by_file, &[environment]).starts_with("Listening on http://127.0.0.3:"));
    assert!(listens(&by_line, &[environment]).starts_with("Listening on http://127.0.0.4:"));

    for (line, words) in [
        ("lisen = \"127.0.0.1:0\"", "unknown field `lisen`"),
        ("trusted_proxies = [\"everybody\"]", "trusted_proxies"),
        ("public_origin = 7", "public_origin"),
        ("new_visitors_per_address = 0", "new_visitors_per_address"),
    ] {
        std::fs::write(&file, format!("{text}{line}\n")).unwrap();
        let (started, _, wrong) = run(&by_file, "");
        assert!(!started && wrong.contains(words) && wrong.contains("line 3"), "{line}: {wrong}");
    }
    let (started, _, wrong) = run(&["serve"], "");
    assert!(!started && wrong.contains("--data DIR"), "{wrong}");
}

#[test]
fn dc_01_every_command_of_the_guide_is_one_of_the_program() {
    let mut seen = 0;
    for line in GUIDE.lines() {
        let line = line.strip_prefix("sudo -u deskbell ").unwrap_or(line);
        let contained = line.strip_prefix("docker run ").and_then(|line| line.split_once(" deskbell-server "));
        let contained = contained.map(|(_, command)| command);
        let Some(command) = contained.or_else(|| line.strip_prefix("deskbell-server ")) else { continue };
        let command = command.split('#').next().unwrap().replace("\"Tea shop\"", "Tea-shop");
        let mut arguments: Vec<&str> = command.split_whitespace().collect();
        // Everything before it has to be right for it to be answered.
        arguments.push("--help");
        let (known, _, wrong) = run(&arguments, "");
        assert!(known, "{line}: {wrong}");
        seen += 1;
    }
    assert!(seen >= 10, "the guide's commands were not found: {seen}");
    let line = DOCKER.lines().find_map(|line| line.strip_prefix("CMD ")).unwrap();
    let mut arguments: Vec<String> = serde_json::from_str(line).unwrap();
    arguments.push("--help".to_owned());
    let (known, _, wrong) = run(&arguments.iter().map(String::as_str).collect::<Vec<_>>(), "");
    assert!(known, "the image's command: {wrong}");
}
