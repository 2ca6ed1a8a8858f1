//! Visitors of whom a shop's own server says who they are: it signs a JSON Web Token with a secret of the site, the
//! shop's page hands it to the messenger, and the messenger greets the desk with it.
//!
//! One algorithm is understood, and no token can ask for another, so the signature is checked here with `hmac`; a
//! package for tokens of all kinds would bring the ones that must be refused.

use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use deskbell_protocol::http::{IdentityCheck, IdentityChecked, IdentitySecret, IdentitySecretShown};
use deskbell_protocol::{Contact, ContactId, EntityKind, ErrorCode, Refusal, Site, SiteId, Timestamp, VisitorId};
use hmac::{Hmac, Mac as _};
use serde::Deserialize;
use sha2::Sha256;

use crate::administration::{Administration, refuse};
use crate::authorize::Action;
use crate::commands::CONTACT_BYTES_MAX;
use crate::store::batch::Write;
use crate::store::signatures::{self, Words};
use crate::store::{Connection, Failure, Outcome, sites, visitors};
use crate::webhooks::contact_changed;
use crate::{text, tokens};

/// Secrets of a site that count at once: the one in use, and the one that is to take its place.
const SECRETS_MAX: usize = 2;
/// Longest token, in bytes.
const TOKEN_MAX: usize = 4096;
/// Longest name that a shop has for a person, in characters.
const EXTERNAL_ID_MAX: usize = 200;
/// Longest name of a person that is taken over, in characters.
const NAME_MAX: usize = 200;
/// How far ahead a token may end, and how far two clocks may be apart, in seconds.
const LIFE_S: i64 = 24 * 60 * 60;
const SKEW_S: i64 = 60;

/// Who somebody is, by the word of a shop.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Signed {
    pub(crate) external_id: String,
    pub(crate) words: Words,
    /// Until when it proves it.
    pub(crate) until: Timestamp,
    /// The secret that it was signed with.
    pub(crate) secret: i64,
}

/// What is wrong with a token. Visitors are not told; the shop's people are, by the check.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Flaw {
    Form,
    Algorithm,
    Signature,
    Audience,
    Subject,
    Expiry,
    Expired,
    TooFar,
    TooEarly,
}

impl Flaw {
    /// The rule that it breaks.
    fn rule(self) -> &'static str {
        match self {
            Self::Form => "is a JSON Web Token in its compact form, of 4096 bytes at the most",
            Self::Algorithm => "is signed with HS256 alone, which its header says, without \"crit\"",
            Self::Signature => "is signed with a secret of this site",
            Self::Audience => "names the site's key as its \"aud\"",
            Self::Subject => "has a \"sub\" of 1 to 200 characters, as a string, without control characters",
            Self::Expiry => "has an \"exp\", a whole number of seconds since 1970",
            Self::Expired => "has expired",
            Self::TooFar => "ends in a day at the latest",
            Self::TooEarly => "is not valid yet, by its \"nbf\"",
        }
    }
}

#[derive(Deserialize)]
struct Header {
    alg: String,
    /// Extensions that whoever reads a token has to understand; none is understood here.
    crit: Option<serde_json::Value>,
}

/// For whom a token is: one name, or several.
#[derive(Deserialize)]
#[serde(untagged)]
enum Audience {
    One(String),
    Several(Vec<String>),
}

fn part<T: for<'de> Deserialize<'de>>(encoded: &str) -> Option<T> {
    serde_json::from_slice(&URL_SAFE_NO_PAD.decode(encoded).ok()?).ok()
}

/// Reads a token. Nothing in it is looked at but the algorithm before its signature was found to be right.
pub(crate) fn verify(
    token: &str,
    site: &str,
    secrets: &[(IdentitySecret, String)],
    now: Timestamp,
) -> Result<Signed, Flaw> {
    if token.len() > TOKEN_MAX {
        return Err(Flaw::Form);
    }
    let (signed, signature) = token.rsplit_once('.').ok_or(Flaw::Form)?;
    let (header, claims) = signed.split_once('.').ok_or(Flaw::Form)?;
    let Header { alg, crit } = part(header).ok_or(Flaw::Form)?;
    if alg != "HS256" || crit.is_some() {
        return Err(Flaw::Algorithm);
    }
    let signature = URL_SAFE_NO_PAD.decode(signature).map_err(|_| Flaw::Form)?;
    let fits = |secret: &str| {
        Hmac::<Sha256>::new_from_slice(secret.as_bytes())
            .is_ok_and(|hmac| hmac.chain_update(signed).verify_slice(&signature).is_ok())
    };
    let (secret, _) = secrets.iter().find(|(_, secret)| fits(secret)).ok_or(Flaw::Signature)?;

    let claims: serde_json::Value = part(claims).ok_or(Flaw::Form)?;
    match serde_json::from_value(claims["aud"].clone()) {
        Ok(Audience::One(one)) if one == site => {}
        Ok(Audience::Several(several)) if several.iter().any(|one| one == site) => {}
        _ => return Err(Flaw::Audience),
    }
    let external_id = claims["sub"].as_str().ok_or(Flaw::Subject)?;
    let fits = (1..=EXTERNAL_ID_MAX).contains(&external_id.chars().count());
    // It is compared as it stands, so two that look the same must not be two.
    if !fits || text::line(external_id) != external_id {
        return Err(Flaw::Subject);
    }
    let expires = claims["exp"].as_i64().ok_or(Flaw::Expiry)?;
    let seconds = now.div_euclid(1000);
    if expires > seconds.saturating_add(LIFE_S + SKEW_S) {
        return Err(Flaw::TooFar);
    }
    if expires.saturating_add(SKEW_S) <= seconds {
        return Err(Flaw::Expired);
    }
    let begins = &claims["nbf"];
    if !begins.is_null() && begins.as_i64().is_none_or(|begins| begins > seconds.saturating_add(SKEW_S)) {
        return Err(Flaw::TooEarly);
    }
    let words = Words {
        name: text::cut(claims["name"].as_str().unwrap_or_default(), NAME_MAX),
        // Whom a shop knows by an odd address is still who they are.
        email: text::email(claims["email"].as_str().unwrap_or_default()).unwrap_or_default(),
    };
    let until = expires.saturating_add(SKEW_S).saturating_mul(1000);
    Ok(Signed { external_id: external_id.to_owned(), words, until, secret: secret.id })
}

/// Who greets, by what the shop has signed. `None`: it proves nobody.
pub(crate) fn read(connection: &Connection, site: &Site, token: &str, now: Timestamp) -> Outcome<Option<Signed>> {
    Ok(verify(token, &site.key, &signatures::secrets(connection, site.id)?, now).ok())
}

/// Takes over what the shop says of a person, where that is another word than the last one: what agents wrote since
/// stays. What a token leaves out says nothing.
pub(crate) fn learn(
    write: &mut Write<'_>,
    contact: ContactId,
    visitor: VisitorId,
    before: &Words,
    signed: &Words,
) -> Outcome<()> {
    let said = |before: &str, signed: &str| if signed.is_empty() { before.to_owned() } else { signed.to_owned() };
    let now = Words { name: said(&before.name, &signed.name), email: said(&before.email, &signed.email) };
    if *before == now {
        return Ok(());
    }
    signatures::remember(write.connection, visitor, &now)?;
    let Some(known) = visitors::find_contact(write.connection, contact)? else { return Ok(()) };
    let newer = |kept: &str, before: &str, now: &str| if now == before { kept.to_owned() } else { now.to_owned() };
    let name = newer(&known.name, &before.name, &now.name);
    let email = newer(&known.email, &before.email, &now.email);
    let edited = Contact { name, email, ..known.clone() };
    if edited != known && edited.name.len() + edited.phone.len() + edited.notes.len() <= CONTACT_BYTES_MAX {
        visitors::edit_contact(write.connection, &edited)?;
        contact_changed(write, &known, &edited)?;
        write.touch(EntityKind::Contact, contact.0)?;
    }
    Ok(())
}

fn site(connection: &Connection, id: SiteId) -> Outcome<Site> {
    sites::find(connection, id)?.ok_or_else(|| Failure::not_found("site"))
}

impl Administration {
    /// The secrets with which a site's shop signs, oldest first, without what they are.
    ///
    /// # Errors
    /// `not_found` when there is no such site.
    pub async fn identity_secrets(&self, id: SiteId) -> Result<Vec<IdentitySecret>, Refusal> {
        let actor = self.actor.clone();
        let read = self.core.readers.read(move |connection| {
            actor.may(connection, Action::ManageSites)?;
            site(connection, id)?;
            Ok(signatures::secrets(connection, id)?.into_iter().map(|(made, _)| made).collect())
        });
        read.await.map_err(refuse)
    }

    /// Makes a secret, beside the one that is in use.
    ///
    /// # Errors
    /// `not_found` when there is no such site; `conflict` when two are in use.
    pub async fn add_identity_secret(&self, id: SiteId) -> Result<IdentitySecretShown, Refusal> {
        let actor = self.actor.clone();
        self.write(move |write| {
            actor.may(write.connection, Action::ManageSites)?;
            site(write.connection, id)?;
            if signatures::secrets(write.connection, id)?.len() >= SECRETS_MAX {
                let words = "Two secrets are in use; delete the older one as soon as the shop signs with the other.";
                return Err(Refusal::new(ErrorCode::Conflict, words).into());
            }
            let (made, secret) = (IdentitySecret { id: write.new_id(), created_at: write.now }, tokens::secret());
            signatures::add_secret(write.connection, id, &made, &secret)?;
            actor.did(write, "add", "identity secret", Some(made.id), format!("site={id}"))?;
            Ok(IdentitySecretShown { id: made.id, created_at: made.created_at, secret })
        })
        .await
    }

    /// Deletes a secret. Whoever proved by it who they are has to prove it anew, from this moment on.
    ///
    /// # Errors
    /// `not_found` when the site has no such secret.
    pub async fn delete_identity_secret(&self, id: SiteId, secret: i64) -> Result<(), Refusal> {
        let (actor, hub) = (self.actor.clone(), Arc::clone(&self.core.hub));
        self.write(move |write| {
            actor.may(write.connection, Action::ManageSites)?;
            let known = signatures::secrets(write.connection, id)?;
            if !known.iter().any(|(made, _)| made.id == secret) {
                return Err(Failure::not_found("secret"));
            }
            let proved = signatures::drop_secret(write.connection, secret)?;
            write.then(move || hub.send_away(|visitor, _, _| proved.contains(&visitor)));
            actor.did(write, "delete", "identity secret", Some(secret), format!("site={id}"))
        })
        .await
    }

    /// Reads a token as a messenger's would be read, and says what is wrong with it.
    ///
    /// # Errors
    /// `invalid`, with the rule that it breaks; `not_found` when there is no such site.
    pub async fn check_identity(&self, id: SiteId, check: IdentityCheck) -> Result<IdentityChecked, Refusal> {
        let actor = self.actor.clone();
        let read = self.core.readers.read(move |connection| {
            actor.may(connection, Action::ManageSites)?;
            let key = site(connection, id)?.key;
            let found = verify(&check.token, &key, &signatures::secrets(connection, id)?, crate::clock());
            let Signed { external_id, words: Words { name, email }, until, secret } =
                found.map_err(|flaw| Refusal::invalid("token", flaw.rule()))?;
            Ok(IdentityChecked { external_id, email, name, secret, until })
        });
        read.await.map_err(refuse)
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use serde_json::{Value, json};

    use super::*;

    const NOW: Timestamp = 1_770_000_000_000;
    const SITE: &str = "the-shops-key";

    fn secrets() -> Vec<(IdentitySecret, String)> {
        let secret = |id, secret: &str| (IdentitySecret { id, created_at: 0 }, secret.to_owned());
        vec![secret(1, "the old secret"), secret(2, "the new secret")]
    }

    fn sign(header: &Value, claims: &Value, secret: &str) -> String {
        let encode = |value: &Value| URL_SAFE_NO_PAD.encode(value.to_string());
        let signed = format!("{}.{}", encode(header), encode(claims));
        let hmac = Hmac::<Sha256>::new_from_slice(secret.as_bytes()).unwrap().chain_update(&signed);
        format!("{signed}.{}", URL_SAFE_NO_PAD.encode(hmac.finalize().into_bytes()))
    }

    fn claims(more: Value) -> Value {
        let mut claims = json!({"sub": "4711", "aud": SITE, "exp": NOW / 1000 + 3600});
        claims.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        claims
    }

    fn read(token: &str) -> Result<Signed, Flaw> {
        verify(token, SITE, &secrets(), NOW)
    }

    fn flaw(more: Value) -> Option<Flaw> {
        read(&sign(&json!({"alg": "HS256"}), &claims(more), "the new secret")).err()
    }

    #[test]
    fn od_37_a_token_that_openssl_signed_says_who_somebody_is() {
        // printf '%s.%s' "$(printf %s '{"alg":"HS256","typ":"JWT"}' | basenc --base64url | tr -d =)" \
        //   "$(printf %s '{"sub":"4711","aud":"the-shops-key","exp":1770003600}' | basenc --base64url | tr -d =)" |
        //   openssl dgst -sha256 -hmac 'the new secret' -binary | basenc --base64url | tr -d =
        let token = "eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9.eyJzdWIiOiI0NzExIiwiYXVkIjoidGhlLXNob3BzLWtleSIsImV4cCI6MTc3MDAwMzYwMH0.VTluDverK7f3WA3py0KtCFkhKsKq2ckkRedStwKkfls";
        let signed = read(token).unwrap();
        let until = (1_770_003_600 + 60) * 1000;
        let words = Words::default();
        assert_eq!(signed, Signed { external_id: "4711".to_owned(), words, until, secret: 2 });
    }

    #[test]
    fn od_37_both_secrets_of_a_site_count_and_no_other_does() {
        let token = |secret| sign(&json!({"alg": "HS256", "typ": "JWT"}), &claims(json!({})), secret);
        assert_eq!(read(&token("the old secret")).unwrap().secret, 1);
        assert_eq!(read(&token("the new secret")).unwrap().secret, 2);
        assert_eq!(read(&token("another secret")), Err(Flaw::Signature));
        assert_eq!(read(&token("")), Err(Flaw::Signature));
        assert_eq!(verify(&token("the new secret"), SITE, &[], NOW), Err(Flaw::Signature), "a site without any");
    }

    #[test]
    fn od_37_no_token_chooses_how_it_is_checked() {
        let with = |header: Value| read(&sign(&header, &claims(json!({})), "the new secret"));
        for alg in ["none", "None", "HS512", "HS384", "RS256", "ES256", "hs256", ""] {
            assert_eq!(with(json!({ "alg": alg })), Err(Flaw::Algorithm), "{alg}");
        }
        assert_eq!(with(json!({"alg": "HS256", "crit": ["b64"], "b64": false})), Err(Flaw::Algorithm));
        assert_eq!(with(json!({"typ": "JWT"})), Err(Flaw::Form));
        let token = sign(&json!({"alg": "HS256"}), &claims(json!({})), "the new secret");
        let (signed, signature) = token.rsplit_once('.').unwrap();
        assert_eq!(read(&format!("{signed}.")), Err(Flaw::Signature), "an empty signature");
        assert_eq!(read(signed), Err(Flaw::Form));
        assert_eq!(read(&format!("{signed}.{signature}=")), Err(Flaw::Form), "another spelling of the same bytes");
        assert_eq!(read(&format!("{signed}.{}", &signature[..20])), Err(Flaw::Signature));
        assert_eq!(read(&format!("x{token}")), Err(Flaw::Form));
        let other = sign(&json!({"alg": "HS256"}), &claims(json!({"sub": "1"})), "guessed");
        let (header, rest) = other.split_once('.').unwrap();
        let claims = rest.split_once('.').unwrap().0;
        assert_eq!(read(&format!("{header}.{claims}.{signature}")), Err(Flaw::Signature), "a signature moved over");
        assert_eq!(read(&"x".repeat(TOKEN_MAX + 1)), Err(Flaw::Form));
        for nonsense in ["", ".", "..", "a.b.c", "ä.ö.ü"] {
            assert_eq!(read(nonsense), Err(Flaw::Form), "{nonsense}");
        }
    }

    #[test]
    fn od_37_a_token_ends_and_not_too_far_ahead() {
        let seconds = NOW / 1000;
        for (expires, expected) in [
            (json!(seconds + 1), None),
            (json!(seconds - 59), None),
            (json!(seconds - 60), Some(Flaw::Expired)),
            (json!(0), Some(Flaw::Expired)),
            (json!(i64::MIN), Some(Flaw::Expired)),
            (json!(seconds + LIFE_S + SKEW_S), None),
            (json!(seconds + LIFE_S + SKEW_S + 1), Some(Flaw::TooFar)),
            (json!(i64::MAX), Some(Flaw::TooFar)),
            (json!(null), Some(Flaw::Expiry)),
            (json!((seconds + 9).to_string()), Some(Flaw::Expiry)),
            (json!(1.77e9), Some(Flaw::Expiry)),
        ] {
            assert_eq!(flaw(json!({ "exp": expires })), expected, "{expires}");
        }
        assert_eq!(flaw(json!({"nbf": seconds + 30})), None);
        assert_eq!(flaw(json!({"nbf": seconds + 61})), Some(Flaw::TooEarly));
        assert_eq!(flaw(json!({"nbf": "soon"})), Some(Flaw::TooEarly));
    }

    #[test]
    fn od_37_a_token_is_for_one_site_and_names_a_person() {
        for (audience, expected) in [
            (json!([SITE, "another"]), None),
            (json!("another"), Some(Flaw::Audience)),
            (json!([]), Some(Flaw::Audience)),
            (json!(null), Some(Flaw::Audience)),
        ] {
            assert_eq!(flaw(json!({ "aud": audience })), expected, "{audience}");
        }
        for (subject, expected) in [
            (json!("a".repeat(EXTERNAL_ID_MAX)), None),
            (json!("a".repeat(EXTERNAL_ID_MAX + 1)), Some(Flaw::Subject)),
            (json!(""), Some(Flaw::Subject)),
            (json!(" 4711"), Some(Flaw::Subject)),
            (json!("47\u{0}11"), Some(Flaw::Subject)),
            (json!("47\u{202e}11"), Some(Flaw::Subject)),
            (json!(4711), Some(Flaw::Subject)),
            (json!(null), Some(Flaw::Subject)),
        ] {
            assert_eq!(flaw(json!({ "sub": subject })), expected, "{subject}");
        }
        let more = json!({"name": "Vic\nTea", "email": " vic@home.example "});
        let signed = read(&sign(&json!({"alg": "HS256"}), &claims(more), "the new secret")).unwrap();
        assert_eq!((signed.words.name.as_str(), signed.words.email.as_str()), ("Vic Tea", "vic@home.example"));
        let odd = json!({"name": ["Vic"], "email": "no address"});
        let signed = read(&sign(&json!({"alg": "HS256"}), &claims(odd), "the new secret")).unwrap();
        assert_eq!(signed.words, Words::default());
    }
}
