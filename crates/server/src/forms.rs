//! What a site asks visitors before their first message. The messenger asks, and whatever it sends is checked here.
//! A first message without answers is taken all the same: the desk may have gone offline, or its form been changed,
//! while it was on its way, and what somebody wrote is worth more than a form.

use std::collections::{BTreeMap, HashSet};

use deskbell_protocol::{
    Asked, AskedChoice, AskedForms, FieldKind, FormAnswer, FormChoice, FormField, FormKind, Refusal, SiteForms, SiteId,
};

use crate::administration::{Administration, refuse};
use crate::authorize::Action;
use crate::store::{Failure, forms, sites};
use crate::text;

/// Fields of one form, choices of one field, and characters of a field's name.
const FIELDS_MAX: usize = 10;
const CHOICES: std::ops::RangeInclusive<usize> = 2..=20;
const ID_MAX: usize = 40;
/// Characters of a question, of a choice, and of an answer.
const LABEL_MAX: usize = 200;
const VALUE_MAX: usize = 100;
pub(crate) const ANSWER_MAX: usize = 500;
/// Bytes of a site's forms, so that what a messenger is told of them fits into a frame.
const FORMS_BYTES_MAX: usize = 32 * 1024;
/// Largest body that tells of them, in bytes: the forms, however they are written.
pub(crate) const BODY_BYTES_MAX: usize = 4 * FORMS_BYTES_MAX;

/// Whether a name is one that a form's field, or a flow's step, may have.
pub(crate) fn is_plain(id: &str) -> bool {
    (1..=ID_MAX).contains(&id.len())
        && id.bytes().all(|it| it.is_ascii_lowercase() || it.is_ascii_digit() || it == b'_')
}

fn checked_choices(place: &str, kind: FieldKind, given: Vec<FormChoice>) -> Result<Vec<FormChoice>, Refusal> {
    let place = format!("{place}.choices");
    if kind != FieldKind::Choice {
        return if given.is_empty() { Ok(given) } else { Err(Refusal::invalid(&place, "is for a choice alone")) };
    }
    if !CHOICES.contains(&given.len()) {
        return Err(Refusal::invalid(&place, &format!("has {} to {} entries", CHOICES.start(), CHOICES.end())));
    }
    let mut values = HashSet::new();
    let mut checked = Vec::with_capacity(given.len());
    for (entry, FormChoice { value, label }) in given.into_iter().enumerate() {
        let place = format!("{place}[{entry}]");
        let value = text::field(&format!("{place}.value"), &value, VALUE_MAX)?;
        if value.is_empty() || !values.insert(value.clone()) {
            return Err(Refusal::invalid(&format!("{place}.value"), "must not be empty and stand there once"));
        }
        checked.push(FormChoice { value, label: text::by_language(&format!("{place}.label"), label, VALUE_MAX)? });
    }
    Ok(checked)
}

fn checked_fields(form: &str, given: Vec<FormField>) -> Result<Vec<FormField>, Refusal> {
    if given.len() > FIELDS_MAX {
        return Err(Refusal::invalid(form, &format!("has {FIELDS_MAX} fields at the most")));
    }
    let (mut ids, mut kinds) = (HashSet::new(), HashSet::new());
    let mut checked = Vec::with_capacity(given.len());
    for (entry, FormField { id, kind, required, label, choices }) in given.into_iter().enumerate() {
        let place = format!("{form}[{entry}]");
        if !is_plain(&id) || !ids.insert(id.clone()) {
            let rule = format!("is 1 to {ID_MAX} small letters, digits and underscores, and no other field's");
            return Err(Refusal::invalid(&format!("{place}.id"), &rule));
        }
        let own = matches!(kind, FieldKind::Text | FieldKind::Choice);
        if !own && !kinds.insert(kind) {
            return Err(Refusal::invalid(&format!("{place}.kind"), "is asked once at most"));
        }
        let label = text::by_language(&format!("{place}.label"), label, LABEL_MAX)?;
        if own && label.is_empty() {
            return Err(Refusal::invalid(&format!("{place}.label"), "says in one language at least what is asked"));
        }
        let choices = checked_choices(&place, kind, choices)?;
        checked.push(FormField { id, kind, required, label, choices });
    }
    Ok(checked)
}

/// Forms within their bounds.
fn checked(SiteForms { online, offline }: SiteForms) -> Result<SiteForms, Refusal> {
    Ok(SiteForms { online: checked_fields("online", online)?, offline: checked_fields("offline", offline)? })
}

/// A site's forms for somebody with a language.
pub(crate) fn asked(forms: &SiteForms, language: &str) -> AskedForms {
    let choice = |FormChoice { value, label }: &FormChoice| {
        let shown = if label.is_empty() { value.clone() } else { text::in_language(label, language) };
        AskedChoice { value: value.clone(), label: shown }
    };
    let field = |field: &FormField| Asked {
        id: field.id.clone(),
        kind: field.kind,
        required: field.required,
        label: text::in_language(&field.label, language),
        choices: field.choices.iter().map(choice).collect(),
    };
    AskedForms { online: forms.online.iter().map(field).collect(), offline: forms.offline.iter().map(field).collect() }
}

/// What somebody with a language answers, in the form's order and without what they left empty.
pub(crate) fn answered(
    forms: &SiteForms,
    form: FormKind,
    answers: &BTreeMap<String, String>,
    language: &str,
) -> Result<Vec<FormAnswer>, Refusal> {
    let fields = match form {
        FormKind::Online => &forms.online,
        FormKind::Offline => &forms.offline,
    };
    if let Some(unknown) = answers.keys().find(|id| !fields.iter().any(|field| field.id == **id)) {
        let place = text::cut(&format!("answers.{unknown}"), 2 * ID_MAX);
        return Err(Refusal::invalid(&place, "is not asked; the form may have been changed"));
    }
    let mut said = Vec::new();
    for field in fields {
        let place = format!("answers.{}", field.id);
        let given = answers.get(&field.id).map_or("", String::as_str);
        let answer = match field.kind {
            FieldKind::Email => text::email(given)
                .map_err(|_| Refusal::invalid(&place, "must be an address such as vic@home.example"))?,
            _ => text::field(&place, given, ANSWER_MAX)?,
        };
        if answer.is_empty() {
            if field.required {
                return Err(Refusal::invalid(&place, "must be answered"));
            }
            continue;
        }
        if field.kind == FieldKind::Choice && !field.choices.iter().any(|choice| choice.value == answer) {
            return Err(Refusal::invalid(&place, "is none of the choices"));
        }
        said.push(FormAnswer { kind: field.kind, label: text::in_language(&field.label, language), answer });
    }
    Ok(said)
}

impl Administration {
    /// What a site asks visitors before their first message.
    ///
    /// # Errors
    /// `not_found` when there is no such site.
    pub async fn forms(&self, site: SiteId) -> Result<SiteForms, Refusal> {
        let actor = self.actor.clone();
        let read = self.core.readers.read(move |connection| {
            actor.may(connection, Action::ManageSites)?;
            sites::find(connection, site)?.ok_or_else(|| Failure::not_found("site"))?;
            forms::find(connection, site)
        });
        read.await.map_err(refuse)
    }

    /// Decides what a site asks. Open messengers are told at once.
    ///
    /// # Errors
    /// `invalid`, with the field and its rule, and `not_found` when there is no such site; nothing is changed then.
    pub async fn set_forms(&self, site: SiteId, wanted: SiteForms) -> Result<SiteForms, Refusal> {
        let wanted = checked(wanted)?;
        if serde_json::to_vec(&wanted).map_or(usize::MAX, |bytes| bytes.len()) > FORMS_BYTES_MAX {
            return Err(Refusal::invalid("online", "both forms together are too long"));
        }
        let (actor, put) = (self.actor.clone(), wanted.clone());
        let written = self.write_and_tell(move |write| {
            actor.may(write.connection, Action::ManageSites)?;
            sites::find(write.connection, site)?.ok_or_else(|| Failure::not_found("site"))?;
            if forms::find(write.connection, site)? != put {
                forms::put(write.connection, site, &put)?;
                let ids =
                    |fields: &[FormField]| fields.iter().map(|field| field.id.as_str()).collect::<Vec<_>>().join(" ");
                let detail = format!("online: {}; offline: {}", ids(&put.online), ids(&put.offline));
                actor.did(write, "edit", "forms", Some(site.0), detail)?;
            }
            Ok(())
        });
        written.await?;
        Ok(wanted)
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    fn field(id: &str, kind: FieldKind, label: &[(&str, &str)]) -> FormField {
        let label = label.iter().map(|(tag, words)| ((*tag).to_owned(), (*words).to_owned())).collect();
        let choices = if kind == FieldKind::Choice { vec![choice("Tea"), choice("Cups")] } else { Vec::new() };
        FormField { id: id.to_owned(), kind, required: true, label, choices }
    }

    fn choice(value: &str) -> FormChoice {
        FormChoice { value: value.to_owned(), label: BTreeMap::new() }
    }

    fn online(fields: Vec<FormField>) -> SiteForms {
        SiteForms { online: fields, offline: Vec::new() }
    }

    #[test]
    fn od_40_a_form_that_cannot_be_asked_is_refused_by_its_field_and_its_rule() {
        let order = || field("order", FieldKind::Text, &[("en", "Order number")]);
        let about = || field("about", FieldKind::Choice, &[("en", "About")]);
        let refused = |forms: SiteForms| checked(forms).unwrap_err().field.unwrap();
        checked(online(vec![field("name", FieldKind::Name, &[]), order(), about()])).unwrap();
        assert_eq!(refused(online(vec![order(); FIELDS_MAX + 1])), "online");
        assert_eq!(refused(online(vec![order(), order()])), "online[1].id");
        for id in ["", "Order", "order number", "заказ", &"x".repeat(41)] {
            assert_eq!(refused(online(vec![FormField { id: id.to_owned(), ..order() }])), "online[0].id", "{id}");
        }
        let names = vec![field("a", FieldKind::Name, &[]), field("b", FieldKind::Name, &[])];
        assert_eq!(refused(SiteForms { online: Vec::new(), offline: names }), "offline[1].kind");
        assert_eq!(refused(online(vec![field("order", FieldKind::Text, &[])])), "online[0].label");
        assert_eq!(refused(online(vec![field("order", FieldKind::Text, &[("e n", "Order")])])), "online[0].label");
        let long = "x".repeat(LABEL_MAX + 1);
        assert_eq!(refused(online(vec![field("order", FieldKind::Text, &[("en", &long)])])), "online[0].label");
        let choices = |choices: Vec<FormChoice>| online(vec![FormField { choices, ..about() }]);
        assert_eq!(refused(choices(vec![choice("Tea")])), "online[0].choices");
        assert_eq!(refused(choices(vec![choice("Tea"), choice(" Tea")])), "online[0].choices[1].value");
        assert_eq!(refused(choices(vec![choice("Tea"), choice(" ")])), "online[0].choices[1].value");
        assert_eq!(refused(online(vec![FormField { choices: vec![choice("Tea")], ..order() }])), "online[0].choices");
    }

    #[test]
    fn od_40_a_visitor_is_asked_in_their_own_language_or_in_the_first_there_is() {
        let label = [("de", "Bestellung"), ("es", "Pedido"), ("es-mx", "Orden")];
        let forms = online(vec![field("order", FieldKind::Text, &label), field("name", FieldKind::Name, &[])]);
        for (language, expected) in [("es-AR", "Pedido"), ("ES-MX", "Orden"), ("ru", "Bestellung"), ("", "Bestellung")]
        {
            let asked = asked(&forms, language);
            assert_eq!((asked.online[0].label.as_str(), asked.online[1].label.as_str()), (expected, ""), "{language}");
        }
    }

    #[test]
    fn od_40_answers_are_in_the_forms_order_and_a_wrong_one_is_refused_by_its_field() {
        let optional = |field| FormField { required: false, ..field };
        let forms = online(vec![
            field("email", FieldKind::Email, &[]),
            optional(field("phone", FieldKind::Phone, &[])),
            field("about", FieldKind::Choice, &[("en", "About")]),
        ]);
        let answered = |given: &[(&str, &str)]| {
            let given = given.iter().map(|(id, answer)| ((*id).to_owned(), (*answer).to_owned())).collect();
            super::answered(&forms, FormKind::Online, &given, "en")
        };
        let said = answered(&[("about", "Tea"), ("email", " vic@home.example "), ("phone", " ")]).unwrap();
        let said: Vec<_> = said.iter().map(|it| (it.kind, it.label.as_str(), it.answer.as_str())).collect();
        assert_eq!(said, [(FieldKind::Email, "", "vic@home.example"), (FieldKind::Choice, "About", "Tea")]);
        let long = "5".repeat(ANSWER_MAX + 1);
        for (given, wrong) in [
            (&[("about", "Tea")][..], "answers.email"),
            (&[("about", "Tea"), ("email", "vic")], "answers.email"),
            (&[("about", "Coffee"), ("email", "vic@home.example")], "answers.about"),
            (&[("about", "Tea"), ("email", "vic@home.example"), ("phone", &long)], "answers.phone"),
            (&[("about", "Tea"), ("email", "vic@home.example"), ("shoe", "42")], "answers.shoe"),
        ] {
            assert_eq!(answered(given).unwrap_err().field.as_deref(), Some(wrong));
        }
    }
}
