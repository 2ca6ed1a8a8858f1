//! The description that the server gives of its routes, and the guide to them: `docs/API.md`.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::process::Command as Process;

use deskbell_protocol::{ITEM_DESCRIPTION_MAX, MESSAGE_TEXT_MAX};
use serde_json::{Value, json};

use crate::desk::*;

const GUIDE: &str = include_str!("../../../../docs/API.md");

/// `curl` says by its end what the server says by a status.
const CURL_REFUSED: i32 = 22;

async fn description(desk: &TestDesk) -> Value {
    http().get(desk.url("/v1/openapi.json")).send().await.unwrap().error_for_status().unwrap().json().await.unwrap()
}

/// Every operation with its method and address.
fn operations(description: &Value) -> Vec<(String, String, &Value)> {
    let mut all = Vec::new();
    for (path, item) in description["paths"].as_object().unwrap() {
        for (method, operation) in item.as_object().unwrap() {
            all.push((method.to_uppercase(), path.clone(), operation));
        }
    }
    all
}

fn references<'v>(value: &'v Value, found: &mut BTreeSet<&'v str>) {
    match value {
        Value::Object(fields) => {
            found.extend(fields.get("$ref").and_then(Value::as_str));
            fields.values().for_each(|value| references(value, found));
        }
        Value::Array(values) => values.iter().for_each(|value| references(value, found)),
        _ => {}
    }
}

fn keys(value: &Value) -> BTreeSet<&str> {
    value.as_object().unwrap().keys().map(String::as_str).collect()
}

#[tokio::test]
async fn dk_25_the_description_says_of_every_route_what_it_takes_gives_and_refuses_and_as_whom() {
    let desk = TestDesk::start().await;
    let description = description(&desk).await;
    assert_eq!(description["openapi"], "3.1.0");
    let mut names = BTreeSet::new();
    for (method, path, operation) in operations(&description) {
        let route = format!("{method} {path}");
        assert!(operation["summary"].as_str().is_some_and(|summary| summary.ends_with('.')), "{route} has no summary");
        assert!(names.insert(operation["operationId"].as_str().unwrap()), "{route} has another one's name");
        assert!(operation["tags"][0].is_string(), "{route} belongs nowhere");
        let answers = operation["responses"].as_object().unwrap();
        assert!(answers.keys().any(|status| status.as_str() < "400"), "{route} never succeeds");
        for (status, answer) in answers {
            assert_ne!(answer["description"], "", "{route} {status}");
            if status.as_str() >= "400" {
                let schema = &answer["content"]["application/json"]["schema"]["$ref"];
                assert_eq!(schema, "#/components/schemas/Refusal", "{route} {status}");
            }
        }
        let parameters = operation["parameters"].as_array().map_or(&[][..], Vec::as_slice);
        for place in path.split('{').skip(1).map(|rest| rest.split('}').next().unwrap()) {
            let told = parameters.iter().any(|known| known["in"] == "path" && known["name"] == place);
            assert!(told, "{route} says nothing of {place}");
        }
        assert!(parameters.iter().all(|known| known["description"].is_string()), "{route}: a parameter of no meaning");
    }
    let schemas = keys(&description["components"]["schemas"]);
    let mut wanted = BTreeSet::new();
    references(&description, &mut wanted);
    for reference in wanted {
        let name = reference.strip_prefix("#/components/schemas/").unwrap();
        assert!(schemas.contains(name), "{name} is named and not described");
    }

    // Who may ask follows from the table of rights.
    let security = |path: &str, method: &str| {
        let schemes = description["paths"][path][method]["security"].as_array().unwrap();
        schemes.iter().map(|scheme| keys(scheme).into_iter().collect::<String>()).collect::<Vec<_>>()
    };
    assert_eq!(security("/v1/agents", "post"), ["Bearer"]);
    assert_eq!(security("/v1/uploads", "post"), ["Bearer", "Visitor"]);
    assert_eq!(security("/v1/cmd", "post"), ["Bearer", "Visitor", ""]);
    assert!(security("/v1/info", "get").is_empty());
    let answers = |path: &str, method: &str| keys(&description["paths"][path][method]["responses"]);
    assert_eq!(answers("/v1/info", "get"), ["200", "500", "503"].into());
    assert_eq!(answers("/v1/teams/{id}", "patch"), ["200", "400", "401", "404", "413", "500", "503"].into());
    let unauthorized = &description["paths"]["/v1/teams"]["get"]["responses"]["401"]["description"];
    assert_eq!(unauthorized, "Refused: `wrong_password`, `code_required`, `code_wrong`, `expired`, `revoked`");
}

#[tokio::test]
async fn dk_25_the_guide_to_the_api_names_every_route() {
    let desk = TestDesk::start().await;
    let description = description(&desk).await;
    let missing: Vec<String> = operations(&description)
        .into_iter()
        .map(|(method, path, _)| format!("{method} {path}"))
        .filter(|route| !GUIDE.contains(&format!("`{route}`")))
        .collect();
    assert!(missing.is_empty(), "docs/API.md says nothing of {missing:?}");
}

/// An example of the guide: commands, and the answer to the last of them, with their line.
struct Example {
    line: usize,
    commands: String,
    answer: Option<Value>,
}

fn examples() -> Vec<Example> {
    let mut examples: Vec<Example> = Vec::new();
    let mut lines = GUIDE.lines().enumerate();
    while let Some((number, line)) = lines.next() {
        let Some(language) = line.strip_prefix("```") else { continue };
        let block: Vec<&str> = lines.by_ref().map(|(_, line)| line).take_while(|line| *line != "```").collect();
        let text = block.join("\n");
        match language {
            "sh" => examples.push(Example { line: number + 1, commands: text, answer: None }),
            "json" => {
                let answer = serde_json::from_str(&text).unwrap_or_else(|error| panic!("API.md:{number}: {error}"));
                let before = examples.last_mut().unwrap();
                assert!(before.answer.replace(answer).is_none(), "API.md:{number}: a second answer");
            }
            other => panic!("API.md:{number}: what is {other}?"),
        }
    }
    examples
}

/// Whether an answer has the shape of an example: the same fields with the same types, lists with rows of that shape.
/// What the example tells to keep is kept.
fn compare(example: &Value, answer: &Value, place: &str, kept: &mut BTreeMap<String, String>) {
    match (example, answer) {
        (Value::String(name), answer) if name.starts_with('$') => {
            let value = answer.as_str().map_or_else(|| answer.to_string(), str::to_owned);
            kept.insert(name[1..].to_owned(), value);
        }
        (Value::Object(example), Value::Object(answer)) => {
            let names = |fields: &serde_json::Map<String, Value>| fields.keys().cloned().collect::<BTreeSet<_>>();
            assert_eq!(names(example), names(answer), "{place}: fields");
            for (name, value) in example {
                compare(value, &answer[name], &format!("{place}.{name}"), kept);
            }
        }
        (Value::Array(example), Value::Array(answer)) => {
            assert!(example.len() <= answer.len(), "{place}: {answer:?}");
            for (example, answer) in example.iter().zip(answer) {
                compare(example, answer, place, kept);
            }
        }
        _ => assert_eq!(
            std::mem::discriminant(example),
            std::mem::discriminant(answer),
            "{place}: {example} is told, {answer} is the answer"
        ),
    }
}

fn run(example: &Example, variables: &mut BTreeMap<String, String>, directory: &Path) {
    let place = format!("API.md:{}", example.line);
    let output = Process::new("bash")
        .args(["-euc", &example.commands])
        .current_dir(directory)
        .env("CURL_HOME", directory)
        .envs(&*variables)
        .output()
        .unwrap();
    let (said, wrong) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    let refused = example.answer.as_ref().is_some_and(|answer| answer["code"].is_string());
    assert_eq!(output.status.code(), Some(if refused { CURL_REFUSED } else { 0 }), "{place}: {said} {wrong}");
    if let Some(wanted) = &example.answer {
        let answer = serde_json::from_str(&said).unwrap_or_else(|error| panic!("{place}: {error}: {said}"));
        compare(wanted, &answer, &place, variables);
    }
}

#[tokio::test]
async fn dk_25_every_example_of_the_guide_to_the_api_works_with_curl_as_it_stands() {
    let desk = TestDesk::start().await;
    let (mut vic, _) = desk.visitor().await;
    vic.command(&reply(None, "Is the blue teapot in stock?")).await.unwrap();
    let directory = tempfile::tempdir().unwrap();
    std::fs::write(directory.path().join(".curlrc"), "silent\nshow-error\nfail-with-body\n").unwrap();
    let examples = examples();
    let work = tokio::task::spawn_blocking({
        let address = desk.url("");
        move || {
            let mut variables = BTreeMap::from([("DESK".to_owned(), address)]);
            for example in &examples {
                run(example, &mut variables, directory.path());
            }
            examples.len()
        }
    });
    assert!(work.await.unwrap() > 20, "the examples were not found");
    // They were more than polite: the visitor has the answer.
    vic.message("It is, in blue and green").await;
}

#[tokio::test]
async fn od_21_tv_05_od_38_od_40_od_44_what_keeps_to_its_rule_is_taken_in_any_script_and_what_does_not_names_its_field()
{
    let desk = TestDesk::start().await;
    let put = async |method: &str, path: &str, body: Value| {
        let (status, answer) = ask(&desk, &desk.ann, method, path, body).await;
        assert!(status < 300, "{method} {path}: {status} {answer}");
        answer
    };
    // Two bytes a letter, as a customer writes in Cyrillic.
    let words = |letters: usize| "ч".repeat(letters);
    let in_languages = |given: Value| -> Value {
        let tags = (0..50_u8).map(|it| format!("{}{}", char::from(b'a' + it / 26), char::from(b'a' + it % 26)));
        tags.map(|tag| (tag, given.clone())).collect::<serde_json::Map<_, _>>().into()
    };
    let body = json!({"kind": "ticket", "title": "Чайник", "description": words(ITEM_DESCRIPTION_MAX)});
    let item = put("POST", "/v1/items", body).await;
    let again = json!({"description": words(ITEM_DESCRIPTION_MAX), "if_rev": item["rev"]});
    put("PATCH", &format!("/v1/items/{}", item["id"]), again).await;
    let text = json!({"owner": {"kind": "desk"}, "shortcut": "tea", "title": "T", "text": words(MESSAGE_TEXT_MAX)});
    let made = put("POST", "/v1/canned-texts", text).await;
    put("PATCH", &format!("/v1/canned-texts/{}", made["id"]), json!({"text": words(MESSAGE_TEXT_MAX)})).await;
    let rule = json!({"when": {"kind": "first_message"}, "site": null, "texts": in_languages(words(2_000).into())});
    let made = put("POST", "/v1/auto-answers", rule.clone()).await;
    put("PUT", &format!("/v1/auto-answers/{}", made["id"]), rule).await;
    let texts = in_languages(json!({"online": words(500), "offline": words(500)}));
    put("PATCH", "/v1/settings", json!({ "texts": texts })).await;
    let holidays = vec![json!({"date": "2026-12-25", "every_year": true}); 400];
    let hours = json!({"hours": {"time_zone": "Europe/Madrid", "week": [], "holidays": holidays}});
    put("PUT", "/v1/hours", hours.clone()).await;
    put("PUT", &format!("/v1/sites/{}/hours", desk.site.id), hours).await;

    let forms = format!("/v1/sites/{}/forms", desk.site.id);
    let asks = |fields: usize| {
        let label: Value = in_languages(words(30).into());
        let field =
            |it| json!({"id": format!("field_{it}"), "kind": "text", "required": false, "label": label, "choices": []});
        json!({"online": (0..fields).map(field).collect::<Vec<_>>(), "offline": []})
    };
    put("PUT", &forms, asks(9)).await;
    let (status, refusal) = ask(&desk, &desk.ann, "PUT", &forms, asks(10)).await;
    assert_eq!((status, refusal["field"].as_str()), (400, Some("online")), "{refusal}");
    let long = json!({"kind": "task", "title": "T", "description": words(ITEM_DESCRIPTION_MAX + 1)});
    let (status, refusal) = ask(&desk, &desk.ann, "POST", "/v1/items", long).await;
    assert_eq!((status, refusal["field"].as_str()), (400, Some("description")), "{refusal}");
}
