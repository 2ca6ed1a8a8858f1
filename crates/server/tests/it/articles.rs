//! Articles: admins write them, agents find and send them, visitors read them.

use deskbell_protocol::*;
use deskbell_server::operations::Person;
use serde_json::{Value, json};

use crate::desk::*;

const BACK: &str = "Within 30 days,\nfree of charge.\n\nPrint the label: https://shop.example/label";

/// Returns, in English and in Spanish.
fn returns() -> Value {
    json!({
        "published": true,
        "texts": {
            "en": { "title": "Returns", "body": BACK },
            "ES": { "title": "Devoluciones", "body": "Dentro de 30 días." },
        },
    })
}

/// An article that is there. Its id.
async fn written(desk: &TestDesk, article: Value) -> ArticleId {
    let (status, article) = ask(desk, &desk.ann, "POST", "/v1/articles", article).await;
    assert_eq!(status, 201, "{article}");
    serde_json::from_value(article["id"].clone()).unwrap()
}

/// The titles that an agent finds.
async fn found(desk: &TestDesk, who: &http::SignedIn, query: &str) -> Vec<String> {
    let (status, page) = ask(desk, who, "GET", &format!("/v1/articles?{query}"), Value::Null).await;
    assert_eq!(status, 200, "{page}");
    let page: ArticlePage = serde_json::from_value(page).unwrap();
    page.articles.into_iter().map(|article| article.title).collect()
}

/// What somebody with a token reads.
async fn read(desk: &TestDesk, authorization: &str, id: ArticleId, query: &str) -> (u16, Value) {
    let request =
        http().get(desk.url(&format!("/v1/articles/{id}/text{query}"))).header("authorization", authorization);
    let response = request.send().await.unwrap();
    (response.status().as_u16(), response.json().await.unwrap())
}

fn bring(conversation: ConversationId, kind: MessageKind, text: &str, article: ArticleId) -> CommandFrame {
    command(Command::Send {
        conversation: Some(conversation),
        kind,
        text: text.to_owned(),
        attachments: Vec::new(),
        mentions: Vec::new(),
        article: Some(article),
        choice: None,
    })
}

fn refused(answer: Result<Ack, Nack>) -> (ErrorCode, String) {
    let nack = answer.unwrap_err();
    (nack.code, format!("{}: {}", nack.field.unwrap_or_default(), nack.message))
}

/// Vic writes. His messenger, its token and his conversation.
async fn vic(desk: &TestDesk) -> (Client, String, ConversationId) {
    let (mut vic, token) = desk.visitor().await;
    vic.command(&reply(None, "How do I send it back?")).await.unwrap();
    let (question, _) = vic.message("How do I send it back?").await;
    (vic, format!("Visitor {token}"), question.conversation)
}

#[tokio::test]
async fn tv_06_ann_finds_an_article_and_sends_it_and_vic_reads_it_in_his_language() {
    let desk = TestDesk::start().await;
    let id = written(&desk, returns()).await;
    written(&desk, json!({"texts": {"en": {"title": "Shipping", "body": "By post."}}})).await;
    let (mut vic, token, chat) = vic(&desk).await;
    let mut ben = desk.agent(&desk.ben, None).await.synced().await;

    // By the beginning of a word of the title or the body, in any of the languages, with or without accents.
    assert_eq!(found(&desk, &desk.ben, "").await, ["Shipping", "Returns"]);
    for (query, titles) in [
        ("q=retur", vec!["Returns"]),
        ("q=free%20charg", vec!["Returns"]),
        ("q=dias&language=es", vec!["Devoluciones"]),
        ("q=DEVOL&language=es-MX", vec!["Devoluciones"]),
        ("q=post&language=ru", vec!["Shipping"]),
        ("q=teapot", vec![]),
        ("published=false", vec!["Shipping"]),
        ("published=true&limit=1", vec!["Returns"]),
        ("limit=1", vec!["Shipping"]),
        (&format!("before={}", id.0 + 1), vec!["Returns"]),
    ] {
        assert_eq!(found(&desk, &desk.ben, query).await, titles, "{query}");
    }
    let (_, page) = ask(&desk, &desk.ben, "GET", "/v1/articles?q=label&language=pt", Value::Null).await;
    let row = &page["articles"][0];
    assert_eq!(row["summary"], "Within 30 days, free of charge.", "{row}");
    assert_eq!((&row["language"], &row["languages"]), (&json!("en"), &json!(["en", "es"])));

    let ack = ben.command(&bring(chat, MessageKind::Reply, "", id)).await.unwrap();
    let (message, _) = vic.message("").await;
    assert_eq!(Some(message.id.0), ack.id);
    let card = ArticleCard {
        id,
        title: "Devoluciones".to_owned(),
        summary: "Dentro de 30 días.".to_owned(),
        language: "es".to_owned(),
    };
    assert_eq!(message.article, Some(card));
    let (_, answered) = ask(&desk, &desk.ben, "GET", "/v1/search?q=devoluciones", Value::Null).await;
    assert_eq!(
        answered["messages"][0]["snippet"][1], "Devoluciones",
        "what was sent is found by its title: {answered}"
    );

    let (status, article) = read(&desk, &token, id, "").await;
    assert_eq!((status, &article["title"], &article["language"]), (200, &json!("Devoluciones"), &json!("es")));
    assert_eq!(article["body"], "Dentro de 30 días.");
    let (_, article) = read(&desk, &token, id, "?language=en-GB").await;
    assert_eq!((&article["title"], &article["body"]), (&json!("Returns"), &json!(BACK)));
    assert!(article.get("texts").is_none() && article.get("published").is_none(), "{article}");
    // To a visitor all but the reading is not there.
    for path in ["/v1/articles".to_owned(), format!("/v1/articles/{id}")] {
        let answer = http().get(desk.url(&path)).header("authorization", &token).send().await.unwrap();
        assert_eq!(answer.status(), 404, "{path}");
    }
}

#[tokio::test]
async fn tv_06_what_was_sent_stays_as_it_was_and_what_is_read_is_what_it_says_now() {
    let desk = TestDesk::start().await;
    let id = written(&desk, returns()).await;
    let path = format!("/v1/articles/{id}");
    let (mut vic, token, chat) = vic(&desk).await;
    let mut ann = desk.agent(&desk.ann, None).await.synced().await;
    ann.command(&bring(chat, MessageKind::Reply, "Here you are", id)).await.unwrap();
    let (sent, _) = vic.message("Here you are").await;

    let texts = json!({"es": {"title": "Cambios", "body": "Dentro de 60 días."}});
    let (status, now) = ask(&desk, &desk.ann, "PATCH", &path, json!({"texts": texts, "if_revision": 1})).await;
    assert_eq!((status, &now["revision"], &now["texts"]), (200, &json!(2), &texts), "{now}");
    let (_, article) = read(&desk, &token, id, "").await;
    assert_eq!(article["title"], "Cambios");
    let page = vic.history(chat, 100, 50).await;
    let card = |page: &HistoryPage, id: MessageId| {
        page.messages.iter().filter_map(as_message).find(|message| message.id == id).unwrap().article
    };
    assert_eq!(card(&page, sent.id).unwrap().title, "Devoluciones");
    assert_eq!(found(&desk, &desk.ann, "q=devoluciones").await, Vec::<String>::new(), "by what it says no more");

    // Whoever read an older one is told, and changes nothing; who changes nothing makes no revision.
    let (status, refusal) = ask(&desk, &desk.ann, "PATCH", &path, json!({"published": false, "if_revision": 1})).await;
    assert_eq!((status, &refusal["code"]), (409, &json!("conflict")));
    let (_, same) = ask(&desk, &desk.ann, "PATCH", &path, json!({"published": true, "if_revision": 2})).await;
    assert_eq!(same["revision"], 2);

    // What is edited keeps its article, also without words; what is deleted does not.
    let rewrite = |text: &str| Command::EditMessage { conversation: chat, message: sent.id, text: text.to_owned() };
    ann.command(&command(rewrite(""))).await.unwrap();
    assert!(card(&vic.history(chat, 100, 50).await, sent.id).is_some());
    ann.command(&command(Command::DeleteMessage { conversation: chat, message: sent.id })).await.unwrap();
    assert_eq!(card(&vic.history(chat, 100, 50).await, sent.id), None);
    let (_, answered) = ask(&desk, &desk.ann, "GET", "/v1/search?q=devoluciones", Value::Null).await;
    assert_eq!(answered["messages"], json!([]));
}

#[tokio::test]
async fn tv_06_what_is_withdrawn_or_deleted_is_there_no_more_for_who_got_it() {
    let desk = TestDesk::start().await;
    let id = written(&desk, returns()).await;
    let path = format!("/v1/articles/{id}");
    let (mut vic, token, chat) = vic(&desk).await;
    let mut ann = desk.agent(&desk.ann, None).await.synced().await;
    ann.command(&bring(chat, MessageKind::Reply, "", id)).await.unwrap();
    vic.message("").await;
    ask(&desk, &desk.ann, "PATCH", &path, json!({"published": false})).await;
    let (status, refusal) = read(&desk, &token, id, "").await;
    assert_eq!((status, &refusal["code"]), (404, &json!("not_found")));
    let agent = format!("Bearer {}", desk.ben.access_token);
    assert_eq!(read(&desk, &agent, id, "?language=es").await.0, 200, "agents read drafts");
    let again = refused(ann.command(&bring(chat, MessageKind::Reply, "", id)).await);
    assert_eq!(again, (ErrorCode::Invalid, "article: article: is none that is published for this site.".to_owned()));

    ask(&desk, &desk.ann, "PATCH", &path, json!({"published": true})).await;
    assert_eq!(read(&desk, &token, id, "").await.0, 200);
    assert_eq!(ask(&desk, &desk.ann, "DELETE", &path, Value::Null).await.0, 204);
    assert_eq!(ask(&desk, &desk.ann, "DELETE", &path, Value::Null).await.0, 404);
    assert_eq!((read(&desk, &token, id, "").await.0, read(&desk, &agent, id, "").await.0), (404, 404));
    assert_eq!(found(&desk, &desk.ann, "q=returns").await, Vec::<String>::new());
    let (_, audit) = ask(&desk, &desk.ann, "GET", "/v1/audit?limit=4", Value::Null).await;
    let actions: Vec<_> = audit["entries"].as_array().unwrap().iter().map(|it| (&it["action"], &it["kind"])).collect();
    assert_eq!(actions[0], (&json!("delete"), &json!("article")), "{audit}");
    assert!(audit["entries"][1]["detail"].as_str().unwrap().contains("published=true"), "{audit}");
}

#[tokio::test]
async fn tv_06_an_article_of_another_site_is_neither_sent_nor_read_here() {
    let desk = TestDesk::start().await;
    let (_, other) = ask(&desk, &desk.ann, "POST", "/v1/sites", json!({"name": "Outlet", "members_only": true})).await;
    let mut article = returns();
    article["site"] = other["id"].clone();
    let there = written(&desk, article.clone()).await;
    article["site"] = json!(desk.site.id);
    let here = written(&desk, article).await;
    let (mut vic, token, chat) = vic(&desk).await;
    let mut ann = desk.agent(&desk.ann, None).await.synced().await;
    let (code, says) = refused(ann.command(&bring(chat, MessageKind::Reply, "", there)).await);
    assert_eq!((code, says.contains("for this site")), (ErrorCode::Invalid, true), "{says}");
    assert_eq!((read(&desk, &token, there, "").await.0, read(&desk, &token, here, "").await.0), (404, 200));
    ann.command(&bring(chat, MessageKind::Reply, "", here)).await.unwrap();
    vic.message("").await;
    // Ben does not see the outlet's customers, nor what is written for them.
    assert_eq!(found(&desk, &desk.ben, "").await, ["Returns"]);
    assert_eq!(found(&desk, &desk.ben, "q=returns").await, ["Returns"]);
    assert_eq!(found(&desk, &desk.ann, "").await.len(), 2);
    assert_eq!(found(&desk, &desk.ann, &format!("site={}", desk.site.id)).await.len(), 1);
    assert_eq!(ask(&desk, &desk.ben, "GET", &format!("/v1/articles/{there}"), Value::Null).await.0, 404);
    let agent = format!("Bearer {}", desk.ben.access_token);
    assert_eq!(read(&desk, &agent, there, "").await.0, 404);
    // For everybody's visitors from now on.
    ask(&desk, &desk.ann, "PATCH", &format!("/v1/articles/{there}"), json!({"site": null})).await;
    assert_eq!(read(&desk, &token, there, "").await.0, 200);
}

#[tokio::test]
async fn tv_06_an_article_stands_in_replies_of_agents_alone() {
    let desk = TestDesk::start().await;
    let id = written(&desk, returns()).await;
    let (mut vic, _, chat) = vic(&desk).await;
    let mut ann = desk.agent(&desk.ann, None).await.synced().await;
    let rule = (ErrorCode::Invalid, "article: article: stands in replies of agents alone.".to_owned());
    assert_eq!(refused(ann.command(&bring(chat, MessageKind::Note, "Look", id)).await), rule);
    assert_eq!(refused(vic.command(&bring(chat, MessageKind::Reply, "Look", id)).await), rule);
    let begin = Command::StartInternal {
        agents: vec![desk.ben.agent.id],
        title: String::new(),
        text: "Have you read it?".to_owned(),
    };
    let team = ConversationId(ann.command(&command(begin)).await.unwrap().id.unwrap());
    assert_eq!(refused(ann.command(&bring(team, MessageKind::Note, "This one", id)).await), rule);
    let (_, says) = refused(ann.command(&bring(team, MessageKind::Reply, "This one", id)).await);
    assert!(says.starts_with("conversation: "), "{says}");
    let (_, says) = refused(ann.command(&bring(chat, MessageKind::Reply, "", ArticleId(1))).await);
    assert!(says.contains("is none that is published"), "{says}");
    assert!(vic.history(chat, 100, 50).await.messages.iter().filter_map(as_message).all(|it| it.article.is_none()));
}

#[tokio::test]
async fn tv_06_slips_in_an_article_are_named_and_nobody_but_admins_writes_one() {
    let desk = TestDesk::start().await;
    let id = written(&desk, returns()).await;
    let path = format!("/v1/articles/{id}");
    let text = |title: &str, body: &str| json!({"texts": {"en": {"title": title, "body": body}}});
    let many: serde_json::Map<String, Value> =
        (0..21).map(|number| (format!("x{number}"), json!({"title": "T", "body": "B"}))).collect();
    for (body, field, word) in [
        (json!({"texts": {}}), "texts", "one language at least and 20 at the most"),
        (json!({"texts": many}), "texts", "20 at the most"),
        (json!({"texts": {"no language": {"title": "T", "body": "B"}}}), "texts", "languages such as es"),
        (text("  ", "B"), "texts.en.title", "must not be empty"),
        (text("T", " \n "), "texts.en.body", "must not be empty"),
        (text(&"t".repeat(201), "B"), "texts.en.title", "at most 200"),
        (text("T", &"b".repeat(20_001)), "texts.en.body", "at most 20000"),
        (json!({"texts": {"en": {"title": "T"}}}), "body", "missing field"),
        (json!({"site": 1, "texts": {"en": {"title": "T", "body": "B"}}}), "site", "no such site"),
        (json!({"texts": {"en": {"title": "T", "body": "B"}}, "html": true}), "html", "unknown field"),
    ] {
        for (method, path) in [("POST", "/v1/articles"), ("PATCH", path.as_str())] {
            let (status, refusal) = ask(&desk, &desk.ann, method, path, body.clone()).await;
            assert_eq!((status, refusal["field"].as_str()), (400, Some(field)), "{method}: {refusal}");
            assert!(refusal["message"].as_str().unwrap().contains(word), "{refusal}");
        }
    }
    let (status, refusal) = ask(&desk, &desk.ann, "POST", "/v1/articles", json!({})).await;
    assert_eq!((status, refusal["field"].as_str()), (400, Some("texts")), "{refusal}");
    let long = format!("/v1/articles?q={}", "q".repeat(2_001));
    assert_eq!(ask(&desk, &desk.ben, "GET", &long, Value::Null).await.1["field"], "q");
    for (method, path) in [("POST", "/v1/articles"), ("PATCH", path.as_str()), ("DELETE", path.as_str())] {
        let (status, refusal) = ask(&desk, &desk.ben, method, path, returns()).await;
        assert_eq!((status, &refusal["code"]), (404, &json!("not_found")), "{method}");
    }
    // Nothing of what was refused is there, and characters that turn a text around are taken out.
    let (_, article) = ask(&desk, &desk.ben, "GET", &path, Value::Null).await;
    assert_eq!((&article["revision"], &article["texts"]["es"]["title"]), (&json!(1), &json!("Devoluciones")));
    assert_eq!(found(&desk, &desk.ann, "").await.len(), 1);
    let turned = json!({"texts": {"en": {"title": "Re\u{202e}turns\u{0}", "body": "A\r\nB"}}});
    let (_, article) = ask(&desk, &desk.ann, "PATCH", &path, turned).await;
    assert_eq!(article["texts"]["en"], json!({"title": "Returns", "body": "A\nB"}));
}

#[tokio::test]
async fn tv_06_whoever_is_erased_takes_along_what_was_sent_to_them_and_the_article_stays() {
    let desk = TestDesk::start().await;
    let id = written(&desk, returns()).await;
    let (mut vic, token, chat) = vic(&desk).await;
    let mut ann = desk.agent(&desk.ann, None).await.synced().await;
    ann.command(&bring(chat, MessageKind::Reply, "", id)).await.unwrap();
    vic.message("").await;
    let database = desk.database();
    let cards = || database.query_row("SELECT count(*) FROM message_article", [], |row| row.get::<_, i64>(0)).unwrap();
    assert_eq!(cards(), 1);
    let visitor = database.query_row("SELECT visitor FROM conversation WHERE id = ?1", [chat.0], |row| row.get(0));
    desk.desk.administer().erase(Person::Visitor(VisitorId(visitor.unwrap()))).await.unwrap();
    assert_eq!(cards(), 0);
    assert_ne!(read(&desk, &token, id, "").await.0, 200);
    assert_eq!(found(&desk, &desk.ann, "q=returns").await, ["Returns"]);
}
