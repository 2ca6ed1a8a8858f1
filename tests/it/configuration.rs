//! The configuration that keeps a hostile text harmless even if it ran.

use serde_json::Value;

fn configuration() -> Value {
    let text = include_str!("../../tauri.conf.json");
    serde_json::from_str(text).unwrap()
}

#[test]
fn cfg_01_the_page_reaches_no_network_and_runs_no_foreign_script() {
    let security = &configuration()["app"]["security"];
    let policy = &security["csp"];
    assert_eq!(policy["default-src"], "'none'");
    assert_eq!(policy["script-src"], "'self'");
    assert_eq!(policy["style-src"], "'self'");
    assert_eq!(policy["connect-src"], "ipc: http://ipc.localhost", "only the native bridge");
    assert_eq!(policy["require-trusted-types-for"], "'script'");
    for (directive, value) in policy.as_object().unwrap() {
        let value = value.as_str().unwrap();
        for loose in ["unsafe", "*", "https:", "data:", "blob:", "asset:"] {
            assert!(!value.contains(loose), "{directive} is too loose: {value}");
        }
    }
}

#[test]
fn cfg_01_nothing_of_the_shell_is_open_by_default() {
    let configuration = configuration();
    let app = &configuration["app"];
    assert_eq!(app["withGlobalTauri"], false);
    assert_eq!(app["security"]["freezePrototype"], true);
    assert_eq!(app["security"]["assetProtocol"]["enable"], false);
    assert_eq!(app["security"]["dangerousDisableAssetCspModification"], false);
    assert_eq!(app["security"]["capabilities"], serde_json::json!(["main"]));
    assert_eq!(configuration["build"]["removeUnusedCommands"], true);
    assert!(configuration["build"].get("devUrl").is_none(), "a build always carries its page");
}
