//! Finds the little that matters in an HTML page or an XML fault: the text of one element. Not a parser: what it reads was
//! often cut in the middle.

/// Characters of a foreign text that are shown in a sentence.
const SHOWN_TEXT: usize = 200;

/// The title of an HTML page on one line; `None` if `text` is no HTML or has no title.
#[must_use]
pub fn page_title(text: &str) -> Option<String> {
    let head = text.chars().take(2_000).collect::<String>().to_ascii_lowercase();
    let is_html = head.contains("<html") || head.contains("<!doctype html");
    is_html.then(|| element(text, "title")).flatten().map(|title| shortened(&title))
}

/// The text of the first element with this local name, whatever its prefix and case.
#[must_use]
pub fn element(text: &str, name: &str) -> Option<String> {
    let mut rest = text;
    while let Some(start) = rest.find('<') {
        rest = &rest[start + 1..];
        let tag_end = rest.find('>')?;
        let tag = rest[..tag_end].split([' ', '\n', '\t', '\r', '/']).next().unwrap_or("");
        let local = tag.rsplit(':').next().unwrap_or(tag);
        if local.eq_ignore_ascii_case(name) {
            let content = &rest[tag_end + 1..];
            return Some(unescape(&content[..content.find('<').unwrap_or(content.len())]));
        }
    }
    None
}

/// `text` on one line, cut to what fits a sentence.
#[must_use]
pub fn shortened(text: &str) -> String {
    let words = text.split_whitespace().collect::<Vec<_>>().join(" ");
    let mut characters = words.chars();
    let mut short: String = characters.by_ref().take(SHOWN_TEXT).collect();
    if characters.next().is_some() {
        short.push('…');
    }
    short
}

fn unescape(text: &str) -> String {
    let replaced = text.replace("&lt;", "<").replace("&gt;", ">").replace("&quot;", "\"");
    replaced.replace("&#39;", "'").replace("&apos;", "'").replace("&amp;", "&")
}

#[cfg(test)]
mod tests {
    use super::{element, page_title, shortened};

    #[test]
    fn titles_and_elements_are_found() {
        assert_eq!(
            page_title("<!DOCTYPE html><TITLE lang='x'>Hi\n there</TITLE>"),
            Some("Hi there".to_owned())
        );
        assert_eq!(page_title("<html><title>cut in the mid"), Some("cut in the mid".to_owned()));
        assert_eq!(page_title("<title>no page</title>"), None);
        assert_eq!(element("</a:code><a:CODE x=\"1\">7&amp;8</a:CODE>", "code"), Some("7&8".to_owned()));
        assert_eq!(element("<a", "a"), None);
    }

    #[test]
    fn long_texts_are_cut_by_characters() {
        assert_eq!(shortened(&"ë ".repeat(300)).chars().count(), 201);
        assert_eq!(shortened(" a \n b "), "a b");
    }
}
