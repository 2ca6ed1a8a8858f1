//! Which numbers of a conversation are here.

use std::collections::BTreeSet;

use deskbell_protocol::{ConversationId, Number};
use rusqlite::{Connection, OptionalExtension as _, params};

use crate::error::CacheError;
use crate::queries::queries;

queries! {
    TOUCHING = "SELECT first, last FROM coverage WHERE conversation = ?1 AND first <= ?3 + 1 AND last >= ?2 - 1";
    INTERVAL_AROUND = "SELECT first, last FROM coverage WHERE conversation = ?1 AND first <= ?2 AND last >= ?2
        ORDER BY first DESC LIMIT 1";
    ADD_COVERAGE = "INSERT INTO coverage (conversation, first, last) VALUES (?1, ?2, ?3)";
    REMOVE_INTERVAL = "DELETE FROM coverage WHERE conversation = ?1 AND first = ?2";
    REMOVE_BELOW = "DELETE FROM coverage WHERE conversation = ?1 AND last < ?2";
    RAISE_FIRST = "UPDATE coverage SET first = ?2 WHERE conversation = ?1 AND first < ?2";
    REMOVE_COVERAGE = "DELETE FROM coverage WHERE conversation = ?1";
    REMOVE_COVERAGE_OF_ALL = "DELETE FROM coverage";
    COVERAGE_OF_ALL = "INSERT INTO coverage (conversation, first, last)
        SELECT conversation, min(number), max(number)
        FROM (SELECT conversation, number,
                     number - row_number() OVER (PARTITION BY conversation ORDER BY number) AS run
              FROM message)
        GROUP BY conversation, run";
}

/// Numbers that came with one batch. They are written together, an interval at a time.
#[derive(Default)]
pub(crate) struct Arrived(BTreeSet<(ConversationId, Number)>);

impl Arrived {
    pub(crate) fn add(&mut self, conversation: ConversationId, number: Number) {
        self.0.insert((conversation, number));
    }

    /// A number is here no more.
    pub(crate) fn remove(
        &mut self,
        connection: &Connection,
        conversation: ConversationId,
        number: Number,
    ) -> Result<(), CacheError> {
        self.0.remove(&(conversation, number));
        uncover(connection, conversation, number)
    }

    /// Nothing of a conversation is here any more.
    pub(crate) fn remove_all(
        &mut self,
        connection: &Connection,
        conversation: ConversationId,
    ) -> Result<(), CacheError> {
        self.0.retain(|(other, _)| *other != conversation);
        connection.prepare_cached(REMOVE_COVERAGE)?.execute([conversation.0])?;
        Ok(())
    }

    pub(crate) fn write(self, connection: &Connection) -> Result<(), CacheError> {
        let mut run: Option<(ConversationId, Number, Number)> = None;
        for (conversation, number) in self.0 {
            run = match run {
                Some((of, first, last)) if of == conversation && last.checked_add(1) == Some(number) => {
                    Some((of, first, number))
                }
                before => {
                    if let Some((of, first, last)) = before {
                        cover(connection, of, first, last)?;
                    }
                    Some((conversation, number, number))
                }
            };
        }
        match run {
            Some((of, first, last)) => cover(connection, of, first, last),
            None => Ok(()),
        }
    }
}

/// Counts anew, from the messages themselves.
pub(crate) fn recount(connection: &Connection) -> Result<(), CacheError> {
    connection.execute(REMOVE_COVERAGE_OF_ALL, [])?;
    connection.execute(COVERAGE_OF_ALL, [])?;
    Ok(())
}

/// Adds numbers to what is here, joining intervals that touch.
pub(crate) fn cover(
    connection: &Connection,
    conversation: ConversationId,
    from: Number,
    to: Number,
) -> Result<(), CacheError> {
    if from > to || from < 1 {
        return Ok(());
    }
    let (mut first, mut last) = (from, to);
    {
        let mut statement = connection.prepare_cached(TOUCHING)?;
        let touching: Vec<(i64, i64)> = statement
            .query_map(params![conversation.0, from, to], |row| Ok((row.get(0)?, row.get(1)?)))?
            .collect::<Result<_, _>>()?;
        if touching.len() == 1 && touching.iter().all(|&(a, b)| a <= from && b >= to) {
            return Ok(());
        }
        for (a, b) in touching {
            first = first.min(a);
            last = last.max(b);
            connection.prepare_cached(REMOVE_INTERVAL)?.execute(params![conversation.0, a])?;
        }
    }
    connection.prepare_cached(ADD_COVERAGE)?.execute(params![conversation.0, first, last])?;
    Ok(())
}

/// Everything below a number is here no more.
pub(crate) fn uncover_below(
    connection: &Connection,
    conversation: ConversationId,
    number: Number,
) -> Result<(), CacheError> {
    for change in [REMOVE_BELOW, RAISE_FIRST] {
        connection.prepare_cached(change)?.execute(params![conversation.0, number])?;
    }
    Ok(())
}

/// A number is here no more.
pub(crate) fn uncover(connection: &Connection, conversation: ConversationId, number: Number) -> Result<(), CacheError> {
    let around: Option<(Number, Number)> = connection
        .prepare_cached(INTERVAL_AROUND)?
        .query_row(params![conversation.0, number], |row| Ok((row.get(0)?, row.get(1)?)))
        .optional()?;
    let Some((first, last)) = around else { return Ok(()) };
    connection.prepare_cached(REMOVE_INTERVAL)?.execute(params![conversation.0, first])?;
    for (first, last) in [(first, number - 1), (number + 1, last)] {
        if first <= last {
            connection.prepare_cached(ADD_COVERAGE)?.execute(params![conversation.0, first, last])?;
        }
    }
    Ok(())
}
