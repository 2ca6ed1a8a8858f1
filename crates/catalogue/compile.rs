//! Turns the Fluent sources into typed methods. Whatever could go wrong when a text is shown is an error here:
//! a missing or extra text, arguments that differ between languages, a plural form that a language needs.

use std::collections::BTreeMap;

use fluent_syntax::ast::{Entry, Expression, InlineExpression, Pattern, PatternElement, VariantKey};
use fluent_syntax::parser;

const PLURALS: [&str; 6] = ["zero", "one", "two", "few", "many", "other"];

/// One language's file.
pub(crate) struct Source<'text> {
    /// Folder name.
    pub(crate) language: &'text str,
    /// Content.
    pub(crate) text: &'text str,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Text,
    Number,
}

/// A message's arguments in the order in which they are first used.
type Arguments = Vec<(String, Kind)>;

struct Message {
    id: String,
    arguments: Arguments,
    /// The text's first line as written, for the method's documentation.
    sample: String,
}

/// Compiles all languages into the body of `impl Catalogue`, or says everything that is wrong.
pub(crate) fn compile(sources: &[Source<'_>]) -> Result<String, Vec<String>> {
    let mut problems = Vec::new();
    let catalogues: Vec<Vec<Message>> = sources.iter().map(|source| read(source, &mut problems)).collect();
    let Some((reference, others)) = catalogues.split_first() else {
        return Err(vec!["there is no language".into()]);
    };
    for (source, messages) in sources.iter().skip(1).zip(others) {
        compare(source.language, reference, messages, &mut problems);
    }
    if problems.is_empty() { Ok(code(reference)) } else { Err(problems) }
}

fn read(source: &Source<'_>, problems: &mut Vec<String>) -> Vec<Message> {
    let language = source.language;
    let resource = match parser::parse(source.text) {
        Ok(resource) => resource,
        Err((resource, errors)) => {
            problems.extend(errors.into_iter().map(|error| {
                let line = source.text.get(..error.pos.start).unwrap_or_default().lines().count().max(1);
                format!("{language}/native.ftl: near line {line}: {}", error.kind)
            }));
            resource
        }
    };
    let mut messages: Vec<Message> = Vec::new();
    for entry in resource.body {
        match entry {
            Entry::Message(message) => {
                let id = message.id.name.to_owned();
                let Some(pattern) = message.value.filter(|_| message.attributes.is_empty()) else {
                    problems.push(format!("{language}/native.ftl: {id}: a text without attributes is expected"));
                    continue;
                };
                if messages.iter().any(|known| known.id == id) {
                    problems.push(format!("{language}/native.ftl: {id} stands twice"));
                    continue;
                }
                let mut arguments = Arguments::new();
                if let Err(problem) = collect(language, &pattern, &mut arguments) {
                    problems.push(format!("{language}/native.ftl: {id}: {problem}"));
                }
                messages.push(Message { sample: sample(&pattern), id, arguments });
            }
            Entry::Term(term) => {
                problems.push(format!("{language}/native.ftl: -{}: terms are not supported", term.id.name));
            }
            Entry::Comment(_) | Entry::GroupComment(_) | Entry::ResourceComment(_) | Entry::Junk { .. } => {}
        }
    }
    messages
}

fn collect(language: &str, pattern: &Pattern<&str>, arguments: &mut Arguments) -> Result<(), String> {
    for element in &pattern.elements {
        let PatternElement::Placeable { expression } = element else { continue };
        match expression {
            Expression::Inline(inline) => collect_inline(inline, arguments)?,
            Expression::Select { selector, variants } => {
                let InlineExpression::VariableReference { id } = selector else {
                    return Err("only an argument can choose a plural form".into());
                };
                add(arguments, id.name, Kind::Number)?;
                let mut forms = Vec::new();
                for variant in variants {
                    if let VariantKey::Identifier { name } = variant.key {
                        forms.push(name);
                    }
                    collect(language, &variant.value, arguments)?;
                }
                check_plurals(language, &forms)?;
            }
        }
    }
    Ok(())
}

fn collect_inline(inline: &InlineExpression<&str>, arguments: &mut Arguments) -> Result<(), String> {
    match inline {
        InlineExpression::StringLiteral { .. } => Ok(()),
        InlineExpression::VariableReference { id } => add(arguments, id.name, Kind::Text),
        InlineExpression::FunctionReference { id, arguments: call } if id.name == "NUMBER" => {
            match call.positional.as_slice() {
                [InlineExpression::VariableReference { id }] => add(arguments, id.name, Kind::Number),
                _ => Err("NUMBER takes one argument of the text".into()),
            }
        }
        _ => Err("only arguments, quoted texts, NUMBER and plural forms are supported".into()),
    }
}

/// A number may be shown plainly wherever it has chosen a plural form before.
fn add(arguments: &mut Arguments, name: &str, kind: Kind) -> Result<(), String> {
    match arguments.iter().find(|(known, _)| known == name) {
        None => arguments.push((name.to_owned(), kind)),
        Some((_, known)) if *known == Kind::Text && kind == Kind::Number => {
            return Err(format!("${name} is used as a text and as a number"));
        }
        Some(_) => {}
    }
    Ok(())
}

/// Whole numbers need these forms; whatever else remains falls to the default.
fn check_plurals(language: &str, forms: &[&str]) -> Result<(), String> {
    let needed: &[&str] = if language == "ru" { &["one", "few"] } else { &["one"] };
    if let Some(unknown) = forms.iter().find(|form| !PLURALS.contains(form)) {
        return Err(format!("[{unknown}] is not a plural form"));
    }
    match needed.iter().find(|form| !forms.contains(form)) {
        Some(missing) => Err(format!("the plural form [{missing}] is missing")),
        None => Ok(()),
    }
}

fn compare(language: &str, reference: &[Message], messages: &[Message], problems: &mut Vec<String>) {
    let sorted = |message: &Message| -> BTreeMap<String, bool> {
        message.arguments.iter().map(|(name, kind)| (name.clone(), *kind == Kind::Number)).collect()
    };
    for wanted in reference {
        match messages.iter().find(|message| message.id == wanted.id) {
            None => problems.push(format!("{language}/native.ftl: {} is missing", wanted.id)),
            Some(found) if sorted(found) != sorted(wanted) => {
                problems
                    .push(format!("{language}/native.ftl: {} has other arguments than in the reference", wanted.id));
            }
            Some(_) => {}
        }
    }
    for message in messages.iter().filter(|message| reference.iter().all(|wanted| wanted.id != message.id)) {
        problems.push(format!("{language}/native.ftl: {} is not in the reference", message.id));
    }
}

/// How the text begins, with arguments as `{name}`.
fn sample(pattern: &Pattern<&str>) -> String {
    let mut text = String::new();
    for element in &pattern.elements {
        match element {
            PatternElement::TextElement { value } => text.push_str(value),
            PatternElement::Placeable { expression } => match expression {
                Expression::Inline(InlineExpression::StringLiteral { value }) => text.push_str(value),
                Expression::Inline(InlineExpression::VariableReference { id }) => {
                    text.push_str(&format!("{{{}}}", id.name));
                }
                Expression::Inline(InlineExpression::FunctionReference { arguments, .. }) => {
                    if let [InlineExpression::VariableReference { id }] = arguments.positional.as_slice() {
                        text.push_str(&format!("{{{}}}", id.name));
                    }
                }
                Expression::Inline(_) => {}
                Expression::Select { variants, .. } => {
                    if let Some(variant) = variants.iter().find(|variant| variant.default) {
                        text.push_str(&sample(&variant.value));
                    }
                }
            },
        }
    }
    text.lines().collect::<Vec<_>>().join(" ")
}

fn code(messages: &[Message]) -> String {
    let mut code = String::from("impl Catalogue {\n");
    let mut every = String::new();
    for message in messages {
        let Message { id, arguments, sample } = message;
        let name = id.replace('-', "_");
        let parameters: String = arguments
            .iter()
            .map(|(name, kind)| format!(", {name}: {}", if *kind == Kind::Number { "i64" } else { "&str" }))
            .collect();
        let values: Vec<String> =
            arguments.iter().map(|(name, _)| format!("(\"{name}\", FluentValue::from({name}))")).collect();
        code.push_str(&format!(
            "    /// “{sample}”\n    pub fn {name}(&self{parameters}) -> String {{\n        self.text(\"{id}\", [{}])\n    }}\n\n",
            values.join(", ")
        ));
        let examples: Vec<&str> =
            arguments.iter().map(|(_, kind)| if *kind == Kind::Number { "number" } else { "name" }).collect();
        every.push_str(&format!("            (\"{id}\", self.{name}({})),\n", examples.join(", ")));
    }
    code.push_str(&format!(
        "    /// Every text once, for tests.\n    #[cfg(test)]\n    fn every_text(&self, name: &str, number: i64) -> Vec<(&'static str, String)> {{\n        vec![\n{every}        ]\n    }}\n}}\n"
    ));
    code
}

#[cfg(test)]
mod tests {
    use super::*;

    const ENGLISH: &str = "open = Open\nhello = Hello, { $name }\nchats = { $count ->\n    [one] { $count } chat\n   *[other] { $count } chats\n}\n";
    const RUSSIAN: &str = "open = Открыть\nhello = Привет, { $name }\nchats = { $count ->\n    [one] { $count } чат\n    [few] { $count } чата\n   *[many] { $count } чатов\n}\n";

    fn against_english(russian: &str) -> Result<String, Vec<String>> {
        compile(&[Source { language: "en", text: ENGLISH }, Source { language: "ru", text: russian }])
    }

    #[test]
    fn whole_catalogues_become_typed_methods() {
        let code = against_english(RUSSIAN).unwrap_or_else(|problems| problems.join("\n"));
        for method in [
            "pub fn open(&self) -> String",
            "pub fn hello(&self, name: &str) -> String",
            "pub fn chats(&self, count: i64) -> String",
        ] {
            assert!(code.contains(method), "{method} in:\n{code}");
        }
        assert!(code.contains("/// “Hello, {name}”"), "the text documents its method");
    }

    #[test]
    fn a_flaw_in_a_translation_fails_the_build_and_is_named() {
        for (from, to, problem) in [
            ("open = Открыть\n", "", "open is missing"),
            ("open =", "close = Закрыть\nopen =", "close is not in the reference"),
            ("open =", "open = Открой\nopen =", "open stands twice"),
            ("{ $name }", "{ $nombre }", "hello has other arguments"),
            ("{ $name }", "друг", "hello has other arguments"),
            ("{ $name }", "{ NUMBER($name) }", "hello has other arguments"),
            ("    [few] { $count } чата\n", "", "the plural form [few] is missing"),
            ("[few]", "[some]", "[some] is not a plural form"),
            ("{ $name }", "{ open }", "only arguments"),
            ("{ $name }", "{ $name", "near line"),
            ("open =", "-brand = Deskbell\nopen =", "terms are not supported"),
            ("open = Открыть", "open = Открыть\n    .hint = Окно", "without attributes"),
        ] {
            let flawed = RUSSIAN.replace(from, to);
            assert_ne!(flawed, RUSSIAN, "the flaw is really there: {to}");
            let problems = against_english(&flawed).err().unwrap_or_default();
            assert!(problems.iter().any(|found| found.contains(problem)), "{problem} in {problems:?}");
        }
    }
}
