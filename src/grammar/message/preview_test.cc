#include "grammar/message/preview.h"

#include <gtest/gtest.h>

#include "base/utf8.h"
#include "grammar/message/html_text.h"

namespace godwit::message {
namespace {

std::string preview(std::string_view message) {
  const auto structure = parse_mime(message);
  for (const auto index : preview_parts(structure)) {
    const auto& part = structure.parts[index];
    auto text = make_preview(part, message.substr(part.body_begin, part.body_size()));
    if (!text.empty()) return text;
  }
  return "";
}

std::string plain(std::string_view body) { return preview("\r\n" + std::string(body)); }
std::string html(std::string_view body) { return preview("Content-Type: text/html; charset=utf-8\r\n\r\n" + std::string(body)); }

TEST(Preview, PlainText_IsOneLine) {
  EXPECT_EQ(plain(""), "");
  EXPECT_EQ(plain("\r\n \t\r\n"), "");
  EXPECT_EQ(plain("  Hello,\r\n\r\n\tthis  is\r\nit.\r\n"), "Hello, this is it.");
  EXPECT_EQ(plain("a\x01"
                  "b\x7f"
                  "c\xc2\x85"
                  "d\xe2\x80\xae"
                  "e"),
            "a b c de");
  EXPECT_EQ(plain("x \u00a0\u2003\u200b\ufeff y"), "x y");
  EXPECT_EQ(plain("8bit \xff"), "8bit \ufffd");
}

TEST(Preview, QuotesAndSignatures_WhereThereIsNothingElse) {
  EXPECT_EQ(plain("> old\r\n>> older\r\nnew\r\n-- \r\nAnna\r\n"), "new");
  EXPECT_EQ(plain("> old\r\n>> older\r\n"), "old older");
  EXPECT_EQ(plain("-- \r\nAnna\r\n"), "Anna");
  EXPECT_EQ(plain("--\r\nAnna\r\n"), "Anna");
  EXPECT_EQ(plain("-- no signature\r\n"), "-- no signature");
}

TEST(Preview, Length_IsThatOfTheRfc) {
  std::string text;
  for (int i = 0; i < 1'000; ++i) text += "\u00e4";
  EXPECT_EQ(plain(text).size(), 2 * kMaxPreview);
  const auto words = plain(std::string(kMaxPreview - 1, 'x') + " y");
  EXPECT_EQ(words, std::string(kMaxPreview - 1, 'x'));
  EXPECT_EQ(plain(std::string(1'000'000, ' ') + "x"), "");
  EXPECT_EQ(plain(std::string(100'000, ' ') + "x"), "x");
  EXPECT_EQ(plain(std::string(5'000, ' ') + ">x"), ">x");
}

TEST(Preview, EncodingAndCharset_AreUndone) {
  EXPECT_EQ(preview("Content-Type: text/plain; charset=iso-8859-15\r\nContent-Transfer-Encoding: quoted-printable\r\n\r\n=A4 5=\r\n0"),
            "\u20ac 50");
  EXPECT_EQ(preview("Content-Type: text/plain; charset=utf-8\r\nContent-Transfer-Encoding: base64\r\n\r\nZ3LDvMOfZQ==\r\n"),
            "gr\u00fc\u00dfe");
}

TEST(Preview, Html_WithoutItsTags) {
  EXPECT_EQ(html("<html><head><title>T</title><style>p { x: y > z }</style></head><body><p>Hello</p><p>you</p>"), "Hello you");
  EXPECT_EQ(html("<SCRIPT type='x'>if (a < b && c > \"</scrip>\") d()</SCRIPT >x"), "x");
  EXPECT_EQ(html("W<b>o</b>r<span title=\"a > b\">d</span><br/>next"), "Word next");
  EXPECT_EQ(html("a<!-- no --><!--[if mso]><p>x</p><![endif]-->b<!DOCTYPE x>c<?xml y?>d"), "abcd");
  EXPECT_EQ(html("<!-->-->x"), "x");
  EXPECT_EQ(html("&lt;b&gt; &amp;amp; &eacute;&#233;&#xE9; &nbsp;&bogus; &hellip"), "<b> &amp; \u00e9\u00e9\u00e9 &bogus; \u2026");
  EXPECT_EQ(html("1 < 2 & 3 <4"), "1 < 2 & 3 <4");
  EXPECT_EQ(html("x &#0;&#x110000;&#xd800; &#1; y <"), "x \ufffd\ufffd y <");
  EXPECT_EQ(html("<blockquote>old <blockquote>older</blockquote></blockquote>new"), "new");
  EXPECT_EQ(html("<blockquote>old</blockquote>"), "old");
  EXPECT_EQ(html("<div style=\"a:'b'\" hidden data-x='1>2'>x</div"), "x");
  EXPECT_EQ(html("<style>never closed"), "");
  EXPECT_EQ(html("Pre&zwnj;&zwnj;&#847; &#8203; header"), "Pre\u200c\u200c header");
}

TEST(Preview, Parts_AreTriedInOrder) {
  const std::string two = "Content-Type: multipart/alternative; boundary=b\r\n\r\n--b\r\n\r\n ";
  EXPECT_EQ(preview(two + "plain\r\n--b\r\nContent-Type: text/html\r\n\r\n<p>html\r\n--b--\r\n"), "plain");
  EXPECT_EQ(preview(two + "\r\n--b\r\nContent-Type: text/html\r\n\r\n<p>html\r\n--b--\r\n"), "html");
  EXPECT_EQ(
      preview(two + "\r\n--b\r\nContent-Disposition: attachment\r\n\r\nx\r\n--b\r\nContent-Type: text/calendar\r\n\r\nBEGIN\r\n--b--\r\n"),
      "BEGIN");
  EXPECT_EQ(preview("Content-Type: message/rfc822\r\n\r\n\r\ninside"), "");
  EXPECT_EQ(preview("Content-Type: image/png\r\n\r\nxx"), "");
  EXPECT_EQ(preview(""), "");
}

TEST(HtmlText, Pieces_MakeNoDifference) {
  const std::string_view text = "<p a='>'>x &amp; y<!-- c --><script>z</script> &unknown; <b>q</b> < 5 <blockquote>w</blockquote>&copy";
  const auto run = [&](std::size_t piece) {
    HtmlText html_text;
    std::vector<HtmlText::Run> runs;
    for (std::size_t at = 0; at < text.size(); at += piece) html_text.feed(text.substr(at, piece), runs);
    html_text.finish(runs);
    std::string out;
    for (const auto& each : runs) out += (each.quoted ? "{" : "[") + each.text + "]";
    return out;
  };
  const auto whole = run(text.size());
  for (std::size_t piece = 1; piece < 12; ++piece) EXPECT_EQ(run(piece), whole);
}

}  // namespace
}  // namespace godwit::message
