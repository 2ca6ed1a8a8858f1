//! Articles over HTTP.

use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::response::Json;
use deskbell_protocol::{
    Article, ArticleEdit, ArticleId, ArticlePage, FIELD_MAX, NewArticle, ReadArticle, Refusal, SiteId,
};
use deskbell_search::Query;
use serde::Deserialize;
use utoipa::IntoParams;

use crate::api::{Answer, Made, administration, id};
use crate::articles;
use crate::desk::Serving;
use crate::http::{Body, HttpError, Params, json};
use crate::routes::Asker;
use crate::store::articles::Wanted;

/// Largest request with an article, in bytes, which bounds what it says in all its languages together.
pub(crate) const ARTICLE_BYTES_MAX: usize = 512 * 1024;

/// Which articles are wanted.
#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(crate) struct ArticleQuery {
    /// With these words in the title or the body, in any language and with or without accents; the last one may go on.
    #[serde(default)]
    #[param(max_length = 2000)]
    q: String,
    /// In the words of this language, such as `es` or `pt-BR`; in English or the first there is where it is missing.
    #[serde(default)]
    language: String,
    /// Those for the visitors of this site, and those for the visitors of all.
    #[param(value_type = Option<i64>)]
    site: Option<SiteId>,
    /// Those that can be sent, or those that cannot.
    published: Option<bool>,
    /// Older than this one.
    #[param(value_type = Option<i64>)]
    before: Option<ArticleId>,
    /// At most so many; 50 in any case.
    limit: Option<u32>,
}

/// Articles, newest first.
#[utoipa::path(
    get,
    path = "/v1/articles",
    tag = "articles",
    params(ArticleQuery),
    responses((status = 200, body = ArticlePage)),
)]
pub(crate) async fn articles(
    State(serving): State<Serving>,
    Params(query): Params<ArticleQuery>,
    asker: Asker,
) -> Answer<ArticlePage> {
    let ArticleQuery { q, language, site, published, before, limit } = query;
    if q.chars().count() > FIELD_MAX {
        return Err(Refusal::invalid("q", &format!("has {FIELD_MAX} characters at the most")).into());
    }
    let (words, limit) = (Query::read(&q).articles(), limit.unwrap_or(u32::MAX));
    let wanted = Wanted { asker: None, site, published, words, before, limit };
    Ok(Json(administration(&serving, &asker)?.articles(wanted, language).await?))
}

/// Write an article.
#[utoipa::path(
    post,
    path = "/v1/articles",
    tag = "articles",
    request_body = NewArticle,
    responses((status = 201, body = Article)),
)]
pub(crate) async fn add_article(State(serving): State<Serving>, asker: Asker, body: Body) -> Made<Article> {
    let new: NewArticle = json(body)?;
    Ok((StatusCode::CREATED, Json(administration(&serving, &asker)?.add_article(new).await?)))
}

/// One article in all its languages.
#[utoipa::path(
    get,
    path = "/v1/articles/{id}",
    tag = "articles",
    params(("id" = ArticleId, Path, description = "The article")),
    responses((status = 200, body = Article)),
)]
pub(crate) async fn article(
    State(serving): State<Serving>,
    Path(article): Path<String>,
    asker: Asker,
) -> Answer<Article> {
    Ok(Json(administration(&serving, &asker)?.article(id(&article, "article")?).await?))
}

/// Change an article, publish it, or withdraw it.
#[utoipa::path(
    patch,
    path = "/v1/articles/{id}",
    tag = "articles",
    params(("id" = ArticleId, Path, description = "The article")),
    request_body = ArticleEdit,
    responses((status = 200, body = Article), (status = 409)),
)]
pub(crate) async fn edit_article(
    State(serving): State<Serving>,
    Path(article): Path<String>,
    asker: Asker,
    body: Body,
) -> Answer<Article> {
    let edit: ArticleEdit = json(body)?;
    Ok(Json(administration(&serving, &asker)?.edit_article(id(&article, "article")?, edit).await?))
}

/// Delete an article.
#[utoipa::path(
    delete,
    path = "/v1/articles/{id}",
    tag = "articles",
    params(("id" = ArticleId, Path, description = "The article")),
    responses((status = 204)),
)]
pub(crate) async fn delete_article(
    State(serving): State<Serving>,
    Path(article): Path<String>,
    asker: Asker,
) -> Result<StatusCode, HttpError> {
    administration(&serving, &asker)?.delete_article(id(&article, "article")?).await?;
    Ok(StatusCode::NO_CONTENT)
}

#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(crate) struct ReadQuery {
    /// In this language. Left out: in the visitor's own, or in English; where it is missing, in the first there is.
    language: Option<String>,
}

/// An article as it is read, in one language. Visitors read what is published for their site.
#[utoipa::path(
    get,
    path = "/v1/articles/{id}/text",
    tag = "articles",
    params(("id" = ArticleId, Path, description = "The article, from a message"), ReadQuery),
    responses((status = 200, body = ReadArticle)),
)]
pub(crate) async fn read_article(
    State(serving): State<Serving>,
    Path(article): Path<String>,
    Params(ReadQuery { language }): Params<ReadQuery>,
    asker: Asker,
) -> Answer<ReadArticle> {
    let read = articles::read(&serving.core, asker.principal, id(&article, "article")?, language);
    Ok(Json(read.await?))
}
