//! What the desk asks of a database: the one trait behind which the store stands, and the words in which the other files
//! of this room speak to it.
//!
//! Whoever brings another database writes [`Database`] for it, and has it pass `promises.rs`. Statements are in SQL that
//! most databases understand. Each has a name in a `queries!` list, and those that SQLite alone understands are known by
//! name (tests of `mod.rs`).

use std::ops::{ControlFlow, Deref};
use std::path::Path;

/// Why a database did not do what it was asked.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Error {
    /// No room; nothing was stored.
    #[error("the disk is full")]
    DiskFull,
    /// What is stored is damaged, or no database at all.
    #[error("{0}")]
    Damaged(String),
    /// There is no such row.
    #[error("a row that was asked for is not there")]
    Missing,
    /// A column does not hold what it should.
    #[error("column {column} holds {found}")]
    Unreadable {
        /// Counted from 0.
        column: usize,
        /// What there is in its place.
        found: &'static str,
    },
    /// Anything else, in the database's own words.
    #[error(transparent)]
    Other(#[from] Box<dyn std::error::Error + Send + Sync>),
}

/// What a database answers.
pub(crate) type Result<T, E = Error> = std::result::Result<T, E>;

/// A value that goes into a statement or comes out of a row.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Value<'a> {
    /// Nothing.
    Null,
    /// A number, or a yes or no as 1 or 0.
    Integer(i64),
    /// Words.
    Text(&'a str),
    /// Bytes.
    Bytes(&'a [u8]),
}

impl Value<'_> {
    fn kind(self) -> &'static str {
        match self {
            Self::Null => "nothing",
            Self::Integer(_) => "another number",
            Self::Text(_) => "words",
            Self::Bytes(_) => "bytes",
        }
    }
}

/// A step of a transaction.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Step {
    /// Begins one that sees one state, from its first statement on.
    BeginReading,
    /// Begins one that writes. Another writer waits until it is over.
    BeginWriting,
    /// Keeps what was written: once this has returned it outlives a power cut.
    Commit,
    /// Gives up what was written.
    GiveUp,
    /// Begins a part of a transaction that may be given up alone.
    BeginPart,
    /// Makes the part one with the transaction.
    KeepPart,
    /// Gives up what the part has written; the transaction goes on.
    GiveUpPart,
}

/// A column of a table that points to rows of another one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Reference {
    /// The table that points.
    pub(crate) table: String,
    /// Its column.
    pub(crate) column: String,
    /// Whether its rows are named by an `id`, so that others may point to them in turn.
    pub(crate) has_ids: bool,
}

/// The columns of the row that a statement has come to.
pub(crate) trait Columns {
    /// The value of a column, counted from 0.
    fn value(&self, column: usize) -> Result<Value<'_>>;
}

/// What is done with each row. [`ControlFlow::Break`]: no more of them are wanted.
pub(crate) type Each<'a> = &'a mut dyn FnMut(&Row<'_>) -> Result<ControlFlow<()>>;

/// A connection to the database that holds a desk.
pub(crate) trait Database: Send {
    /// Runs one statement with the values of its parameters `?1`, `?2` and so on. Returns how many rows it has changed.
    /// `each` may run other statements meanwhile.
    fn run(&self, statement: &str, values: &[Value<'_>], each: Each<'_>) -> Result<usize>;

    /// Runs statements that neither take nor give values, such as those that make tables.
    fn run_script(&self, statements: &str) -> Result<()>;

    /// Takes a step of a transaction.
    fn step(&self, step: Step) -> Result<()>;

    /// Whether a transaction is under way. A database may give one up by itself, as when the disk is full.
    fn is_in_transaction(&self) -> bool;

    /// Which columns of other tables point to the rows of a table. Whatever is added to the schema is found.
    fn references_to(&self, table: &str) -> Result<Vec<Reference>>;

    /// The tables that have a column of this name.
    fn tables_with(&self, column: &str) -> Result<Vec<String>>;

    /// Everything that the database itself finds wrong, at most a hundred lines; empty when all is well.
    fn faults(&self) -> Result<Vec<String>>;

    /// Copies everything as it is at this moment into a new SQLite file, while others read and write.
    fn copy_to(&self, file: &Path) -> Result<()>;
}

/// A connection, and the ways in which the rooms of the store ask it.
pub(crate) struct Connection {
    database: Box<dyn Database>,
}

impl Connection {
    pub(crate) fn new(database: impl Database + 'static) -> Self {
        Self { database: Box::new(database) }
    }

    /// Runs a statement that gives no rows, or whose rows nobody wants. Returns how many rows it has changed.
    pub(crate) fn change(&self, statement: &str, values: &[Value<'_>]) -> Result<usize> {
        self.database.run(statement, values, &mut |_| Ok(ControlFlow::Continue(())))
    }

    /// The first row, if there is one.
    pub(crate) fn find<T>(
        &self,
        statement: &str,
        values: &[Value<'_>],
        read: impl FnOnce(&Row<'_>) -> Result<T>,
    ) -> Result<Option<T>> {
        let (mut read, mut found) = (Some(read), None);
        self.each(statement, values, |row| {
            if let Some(read) = read.take() {
                found = Some(read(row)?);
            }
            Ok::<_, Error>(ControlFlow::Break(()))
        })?;
        Ok(found)
    }

    /// The first row.
    ///
    /// # Errors
    /// [`Error::Missing`] when there is none.
    pub(crate) fn one<T>(
        &self,
        statement: &str,
        values: &[Value<'_>],
        read: impl FnOnce(&Row<'_>) -> Result<T>,
    ) -> Result<T> {
        self.find(statement, values, read)?.ok_or(Error::Missing)
    }

    /// All rows.
    pub(crate) fn all<T, C: FromIterator<T>>(
        &self,
        statement: &str,
        values: &[Value<'_>],
        mut read: impl FnMut(&Row<'_>) -> Result<T>,
    ) -> Result<C> {
        let mut rows = Vec::new();
        self.each(statement, values, |row| {
            rows.push(read(row)?);
            Ok::<_, Error>(ControlFlow::Continue(()))
        })?;
        Ok(rows.into_iter().collect())
    }

    /// Whether there is a row.
    pub(crate) fn has(&self, statement: &str, values: &[Value<'_>]) -> Result<bool> {
        Ok(self.find(statement, values, |_| Ok(()))?.is_some())
    }

    /// Hands over row by row, so that no more of them are in memory than one, until no more are wanted.
    pub(crate) fn each<E: From<Error>>(
        &self,
        statement: &str,
        values: &[Value<'_>],
        mut each: impl FnMut(&Row<'_>) -> Result<ControlFlow<()>, E>,
    ) -> Result<(), E> {
        let mut failed = None;
        self.database.run(statement, values, &mut |row| {
            Ok(each(row).unwrap_or_else(|error| {
                failed = Some(error);
                ControlFlow::Break(())
            }))
        })?;
        failed.map_or(Ok(()), Err)
    }

    /// Begins a transaction for looking: all that is asked until it is dropped sees one state.
    pub(crate) fn look(&self) -> Result<Look<'_>> {
        self.step(Step::BeginReading)?;
        Ok(Look { connection: self })
    }

    /// See [`Database::run_script`].
    pub(crate) fn run_script(&self, statements: &str) -> Result<()> {
        self.database.run_script(statements)
    }

    /// See [`Database::step`].
    pub(crate) fn step(&self, step: Step) -> Result<()> {
        self.database.step(step)
    }

    /// See [`Database::is_in_transaction`].
    pub(crate) fn is_in_transaction(&self) -> bool {
        self.database.is_in_transaction()
    }

    /// See [`Database::references_to`].
    pub(crate) fn references_to(&self, table: &str) -> Result<Vec<Reference>> {
        self.database.references_to(table)
    }

    /// See [`Database::tables_with`].
    pub(crate) fn tables_with(&self, column: &str) -> Result<Vec<String>> {
        self.database.tables_with(column)
    }

    /// See [`Database::faults`].
    pub(crate) fn faults(&self) -> Result<Vec<String>> {
        self.database.faults()
    }

    /// See [`Database::copy_to`].
    pub(crate) fn copy_to(&self, file: &Path) -> Result<()> {
        self.database.copy_to(file)
    }
}

/// A transaction for looking. It is over when this is dropped.
pub(crate) struct Look<'c> {
    connection: &'c Connection,
}

impl Deref for Look<'_> {
    type Target = Connection;

    fn deref(&self) -> &Connection {
        self.connection
    }
}

impl Drop for Look<'_> {
    fn drop(&mut self) {
        if self.connection.is_in_transaction()
            && let Err(error) = self.connection.step(Step::GiveUp)
        {
            tracing::error!(%error, "a reading transaction did not end");
        }
    }
}

/// The row that a statement has come to.
pub(crate) struct Row<'r> {
    columns: &'r dyn Columns,
}

impl<'r> Row<'r> {
    pub(crate) fn new(columns: &'r dyn Columns) -> Self {
        Self { columns }
    }

    /// What a column holds, counted from 0.
    pub(crate) fn get<T: FromValue>(&self, column: usize) -> Result<T> {
        let value = self.columns.value(column)?;
        T::from_value(value).ok_or(Error::Unreadable { column, found: value.kind() })
    }
}

/// What can be read out of a column.
pub(crate) trait FromValue: Sized {
    /// `None`: that is something else.
    fn from_value(value: Value<'_>) -> Option<Self>;
}

/// What can be given to a statement.
pub(crate) trait ToValue {
    /// The same as a value.
    fn to_value(&self) -> Value<'_>;
}

/// Whole numbers that a column holds without loss.
macro_rules! whole_numbers {
    ($($number:ty),*) => {$(
        impl FromValue for $number {
            fn from_value(value: Value<'_>) -> Option<Self> {
                match value {
                    Value::Integer(number) => Self::try_from(number).ok(),
                    _ => None,
                }
            }
        }

        impl ToValue for $number {
            fn to_value(&self) -> Value<'_> {
                Value::Integer(i64::from(*self))
            }
        }
    )*};
}
whole_numbers!(i64, i32, u32, u16, u8);

impl FromValue for bool {
    fn from_value(value: Value<'_>) -> Option<Self> {
        i64::from_value(value).map(|number| number != 0)
    }
}

impl FromValue for String {
    fn from_value(value: Value<'_>) -> Option<Self> {
        match value {
            Value::Text(text) => Some(text.to_owned()),
            _ => None,
        }
    }
}

impl<const SIZE: usize> FromValue for [u8; SIZE] {
    fn from_value(value: Value<'_>) -> Option<Self> {
        match value {
            Value::Bytes(bytes) => bytes.try_into().ok(),
            _ => None,
        }
    }
}

impl FromValue for Vec<u8> {
    fn from_value(value: Value<'_>) -> Option<Self> {
        match value {
            Value::Bytes(bytes) => Some(bytes.to_vec()),
            _ => None,
        }
    }
}

impl<T: FromValue> FromValue for Option<T> {
    fn from_value(value: Value<'_>) -> Option<Self> {
        match value {
            Value::Null => Some(None),
            value => T::from_value(value).map(Some),
        }
    }
}

impl ToValue for bool {
    fn to_value(&self) -> Value<'_> {
        Value::Integer(i64::from(*self))
    }
}

impl ToValue for str {
    fn to_value(&self) -> Value<'_> {
        Value::Text(self)
    }
}

impl ToValue for String {
    fn to_value(&self) -> Value<'_> {
        Value::Text(self)
    }
}

impl ToValue for [u8] {
    fn to_value(&self) -> Value<'_> {
        Value::Bytes(self)
    }
}

impl<const SIZE: usize> ToValue for [u8; SIZE] {
    fn to_value(&self) -> Value<'_> {
        Value::Bytes(self)
    }
}

impl ToValue for Vec<u8> {
    fn to_value(&self) -> Value<'_> {
        Value::Bytes(self)
    }
}

impl<T: ToValue> ToValue for Option<T> {
    fn to_value(&self) -> Value<'_> {
        self.as_ref().map_or(Value::Null, ToValue::to_value)
    }
}

impl<T: ToValue + ?Sized> ToValue for &T {
    fn to_value(&self) -> Value<'_> {
        (**self).to_value()
    }
}

/// The values of a statement's parameters, in order.
macro_rules! params {
    ($($value:expr),* $(,)?) => {
        &[$($crate::store::database::ToValue::to_value(&$value)),*]
    };
}
pub(crate) use params;
