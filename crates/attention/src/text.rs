//! Makes what visitors wrote fit for a notification: one line, nothing invisible, of bounded length.

/// Longest title, in Unicode scalar values.
pub const TITLE_MAX: usize = 80;

/// Longest body, in Unicode scalar values.
pub const BODY_MAX: usize = 200;

/// Joiners and variation selectors: needed inside emoji and some scripts, invisible by themselves.
fn is_joiner(c: char) -> bool {
    matches!(c, '\u{200c}' | '\u{200d}' | '\u{fe00}'..='\u{fe0f}')
}

/// Characters that nobody sees but that can reorder, hide or smuggle text.
fn is_hidden(c: char) -> bool {
    match c {
        // Direction marks, embeddings, overrides and isolates.
        '\u{61c}' | '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{206f}' => true,
        // Zero-width spaces, soft hyphen, invisible operators, byte order mark, annotations, letter-like blanks.
        '\u{ad}' | '\u{180e}' | '\u{200b}' | '\u{2060}'..='\u{2065}' | '\u{feff}' | '\u{fff9}'..='\u{fffb}' => true,
        '\u{115f}' | '\u{1160}' | '\u{3164}' | '\u{ffa0}' => true,
        // Tag characters spell whole sentences that no font draws.
        '\u{e0000}'..='\u{e0fff}' => true,
        _ => c.is_control(),
    }
}

fn one_line(text: &str, max: usize) -> String {
    let mut line = String::new();
    let mut length = 0;
    let mut gap = false;
    for c in text.chars() {
        // Line and paragraph separators count as white space, as do line feeds and tabs.
        if c.is_whitespace() {
            gap = length > 0;
            continue;
        }
        if is_hidden(c) {
            continue;
        }
        if length + usize::from(gap) + 1 > max {
            shorten(&mut line, length, max);
            return line;
        }
        if gap {
            line.push(' ');
            length += 1;
            gap = false;
        }
        line.push(c);
        length += 1;
    }
    if line.chars().all(is_joiner) { String::new() } else { line }
}

/// Ends a line that has no room for more with `…`, without leaving half an emoji before it.
fn shorten(line: &mut String, mut length: usize, max: usize) {
    while length >= max {
        line.pop();
        length -= 1;
    }
    line.truncate(line.trim_end_matches(|c: char| is_joiner(c) || c == ' ').len());
    line.push('…');
}

/// A name as one clean line of at most [`TITLE_MAX`] characters. Empty when nothing readable is left.
pub fn clean_title(text: &str) -> String {
    one_line(text, TITLE_MAX)
}

/// A text as one clean line of at most [`BODY_MAX`] characters. Empty when nothing readable is left.
pub fn clean_body(text: &str) -> String {
    one_line(text, BODY_MAX)
}

/// Escapes a body for a notification service that reads markup (`body-markup` among its capabilities).
///
/// Call it after [`clean_body`]: cut afterwards, an escape could lose its end. Titles are plain text for every
/// service and must not be escaped.
pub fn escape_markup(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            c => escaped.push(c),
        }
    }
    escaped
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What a hostile visitor might call themselves, or write, and what may be left of it.
    const VECTORS: [(&str, &str); 24] = [
        ("<b>bold</b>", "<b>bold</b>"),
        ("<img src=x onerror=alert(1)>", "<img src=x onerror=alert(1)>"),
        ("<a href='file:///etc/passwd'>click</a>", "<a href='file:///etc/passwd'>click</a>"),
        ("</body><script>alert(1)</script>", "</body><script>alert(1)</script>"),
        ("&lt;i&gt;", "&lt;i&gt;"),
        ("&#60;u&#62;", "&#60;u&#62;"),
        ("a & b", "a & b"),
        ("one\ntwo", "one two"),
        ("one\r\n\r\n\ttwo", "one two"),
        ("one\u{2028}two\u{2029}three", "one two three"),
        ("  spaced \u{a0}\u{3000} out  ", "spaced out"),
        ("photo\u{202e}gnp.exe", "photognp.exe"),
        ("\u{2067}isolate\u{2069}", "isolate"),
        ("\u{200f}\u{200e}\u{61c}marks", "marks"),
        ("zero\u{200b}width\u{feff}\u{2060}", "zerowidth"),
        ("bell\u{7}escape\u{1b}[31m", "bellescape[31m"),
        ("nul\0nul", "nulnul"),
        ("c1\u{9b}31m", "c131m"),
        ("soft\u{ad}hyphen", "softhyphen"),
        ("tag\u{e0041}\u{e0042}\u{e007f}", "tag"),
        ("\u{3164}\u{ffa0}", ""),
        ("\u{200d}\u{fe0f}\u{200d}", ""),
        (" \n\t ", ""),
        ("👩\u{200d}🔧 می\u{200c}خواهم", "👩\u{200d}🔧 می\u{200c}خواهم"),
    ];

    #[test]
    fn ntf_01_dc_03_nothing_a_visitor_writes_reorders_hides_or_breaks_a_toast() {
        for (hostile, clean) in VECTORS {
            assert_eq!(clean_title(hostile), clean, "as a name: {hostile:?}");
            assert_eq!(clean_body(hostile), clean, "as a text: {hostile:?}");
        }
    }

    #[test]
    fn ntf_01_dc_03_markup_reaches_a_service_that_reads_it_as_plain_characters() {
        for (hostile, _) in VECTORS {
            let escaped = escape_markup(&clean_body(hostile));
            assert!(!escaped.contains(['<', '>']), "{escaped}");
            let read_back = escaped.replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&");
            assert_eq!(read_back, clean_body(hostile), "the person reads what was written");
        }
        assert_eq!(escape_markup("<i>&lt;"), "&lt;i&gt;&amp;lt;");
    }

    #[test]
    fn ntf_01_dc_03_a_long_text_is_cut_at_the_cap_and_says_so() {
        assert_eq!(clean_title(&"n".repeat(80)), "n".repeat(80), "just fits");
        assert_eq!(clean_title(&"n".repeat(81)), format!("{}…", "n".repeat(79)));
        let body = clean_body(&"слово ".repeat(100_000));
        assert!(body.chars().count() == BODY_MAX && body.ends_with("слово с…"), "{body}");
        let family = clean_title(&"👩\u{200d}👩\u{200d}👧".repeat(30));
        assert!(family.chars().count() <= TITLE_MAX && !family.contains("\u{200d}…"), "{family}");
    }

    #[test]
    fn ntf_01_white_space_after_the_cap_does_not_cut_anything() {
        assert_eq!(clean_title(&format!("{}  \n", "n".repeat(80))), "n".repeat(80));
    }
}
