#include "frontend/imapd/body_structure_text.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>

namespace godwit::imapd {
namespace {

using ::testing::EndsWith;
using ::testing::HasSubstr;
using ::testing::StartsWith;

std::string body(std::string_view message, const imap::Dialect& dialect = {}) {
  std::string out;
  append_body_structure(out, message::parse_mime(message), 0, false, dialect);
  return out;
}
std::string body_structure(std::string_view message, const imap::Dialect& dialect = {}) {
  std::string out;
  append_body_structure(out, message::parse_mime(message), 0, true, dialect);
  return out;
}

TEST(BodyStructureText, SimpleText) {
  const std::string_view simple = "Content-Type: TEXT/PLAIN; CHARSET=US-ASCII\r\n\r\none\r\ntwo\r\n";
  EXPECT_EQ(body(simple), R"x(("text" "plain" ("charset" "US-ASCII") NIL NIL "7bit" 10 2))x");
  EXPECT_EQ(body_structure(simple), R"x(("text" "plain" ("charset" "US-ASCII") NIL NIL "7bit" 10 2 NIL NIL NIL NIL))x");
}

// RFC 2045 5.2
TEST(BodyStructureText, NoType_IsTextInAscii) {
  EXPECT_EQ(body("Subject: x\r\n\r\nbody\r\n"), R"x(("text" "plain" ("charset" "us-ascii") NIL NIL "7bit" 6 1))x");
  EXPECT_EQ(body(""), R"x(("text" "plain" ("charset" "us-ascii") NIL NIL "7bit" 0 0))x");
  EXPECT_EQ(body("no header, no end"), R"x(("text" "plain" ("charset" "us-ascii") NIL NIL "7bit" 0 0))x");
  EXPECT_EQ(body("Content-Type: text/html\r\n\r\n<p>"), R"x(("text" "html" NIL NIL NIL "7bit" 3 0))x");
}

// RFC 9051 7.5.2, the two-part example
TEST(BodyStructureText, TwoParts) {
  const std::string first = "hello\r\n";
  const std::string second = "aGVsbG8=\r\n";
  const std::string message =
      "Content-Type: multipart/mixed; boundary=b\r\n\r\nprologue\r\n--b\r\nContent-Type: text/plain; charset=us-ascii\r\n\r\n" + first +
      "\r\n--b\r\nContent-Type: text/plain; charset=us-ascii; name=\"cc.diff\"\r\n"
      "Content-ID: <960723163407.20117h@cac.washington.edu>\r\nContent-Description: Compiler diff\r\n"
      "Content-Transfer-Encoding: BASE64\r\n\r\n" +
      second + "\r\n--b--\r\n";
  EXPECT_EQ(body(message), R"x((("text" "plain" ("charset" "us-ascii") NIL NIL "7bit" 7 1))x"
                           R"x(("text" "plain" ("charset" "us-ascii" "name" "cc.diff") "<960723163407.20117h@cac.washington.edu>" )x"
                           R"x("Compiler diff" "base64" 10 1) "mixed"))x");
  EXPECT_THAT(body_structure(message), EndsWith(R"x(10 1 NIL NIL NIL NIL) "mixed" ("boundary" "b") NIL NIL NIL))x"));
}

TEST(BodyStructureText, Extensions) {
  EXPECT_EQ(
      body_structure("Content-Type: image/png\r\nContent-Transfer-Encoding: base64\r\nContent-MD5: Q2hlY2s=\r\n"
                     "Content-Disposition: attachment; filename=\"a b.png\"; size=4\r\nContent-Language: en\r\n"
                     "Content-Location: http://x/a.png\r\n\r\nAAAA"),
      R"x(("image" "png" NIL NIL NIL "base64" 4 "Q2hlY2s=" ("attachment" ("filename" "a b.png" "size" "4")) "en" "http://x/a.png"))x");
  EXPECT_THAT(body_structure("Content-Disposition: inline\r\nContent-Language: en, de\r\n\r\n"),
              EndsWith(R"x( NIL ("inline" NIL) ("en" "de") NIL))x"));
  EXPECT_THAT(body_structure("Content-Type: multipart/mixed; boundary=b\r\nContent-Disposition: inline\r\nContent-Language: de\r\n"
                             "Content-Location: x\r\n\r\n--b\r\n\r\n--b--"),
              EndsWith(R"x("mixed" ("boundary" "b") ("inline" NIL) "de" "x"))x"));
}

TEST(BodyStructureText, Rfc2231_JoinedAndExtended) {
  const std::string_view message =
      "Content-Type: application/x; name*0=\"ab\"; name*1=\"cd\"\r\n"
      "Content-Disposition: attachment; filename*=utf-8''Gr%C3%BC%C3%9Fe\r\n\r\n";
  EXPECT_THAT(body_structure(message), HasSubstr(R"x(("name" "abcd"))x"));
  EXPECT_THAT(body_structure(message), HasSubstr(R"x(("attachment" ("filename*" "utf-8''Gr%C3%BC%C3%9Fe")))x"));
  EXPECT_THAT(body_structure(message, {.utf8_accept = false, .rev2 = true}), HasSubstr("(\"attachment\" (\"filename*\" \"Gr\xC3\xBC\xC3\x9F"
                                                                                       "e\"))"));
}

TEST(BodyStructureText, EmbeddedMessage) {
  const std::string inner = "Subject: inner\r\n\r\nbody\r\n";
  EXPECT_EQ(body_structure("Content-Type: message/rfc822\r\n\r\n" + inner),
            R"x(("message" "rfc822" NIL NIL NIL "7bit" 24 (NIL "inner" NIL NIL NIL NIL NIL NIL NIL NIL) )x"
            R"x(("text" "plain" ("charset" "us-ascii") NIL NIL "7bit" 6 1 NIL NIL NIL NIL) 3 NIL NIL NIL NIL))x");
  EXPECT_THAT(body("Content-Type: message/global\r\n\r\n" + inner),
              StartsWith(R"x(("message" "global" NIL NIL NIL "7bit" 24 (NIL "inner")x"));
}

TEST(BodyStructureText, Digest_PartsAreMessages) {
  EXPECT_EQ(body("Content-Type: multipart/digest; boundary=b\r\n\r\n--b\r\n\r\nSubject: m1\r\n\r\nx\r\n--b--\r\n"),
            R"x((("message" "rfc822" NIL NIL NIL "7bit" 16 (NIL "m1" NIL NIL NIL NIL NIL NIL NIL NIL) )x"
            R"x(("text" "plain" ("charset" "us-ascii") NIL NIL "7bit" 1 0) 2) "digest"))x");
}

// RFC 2046 5.2.1 forbids it; the grammar has no such thing either
TEST(BodyStructureText, MessageInBase64_IsOpaque) {
  EXPECT_EQ(body("Content-Type: message/rfc822; name=x.eml\r\nContent-Transfer-Encoding: base64\r\n\r\nU3ViamVjdDogeA==\r\n"),
            R"x(("application" "octet-stream" ("name" "x.eml") NIL NIL "base64" 18))x");
}

TEST(BodyStructureText, MultipartWithoutBoundary_IsOpaque) {
  EXPECT_EQ(body("Content-Type: multipart/mixed\r\n\r\nx"), R"x(("application" "octet-stream" NIL NIL NIL "7bit" 1))x");
}

TEST(BodyStructureText, MultipartWithoutParts_HasAnEmptyOne) {
  const std::string_view message = "Content-Type: multipart/mixed; boundary=b\r\n\r\nnothing here\r\n";
  EXPECT_EQ(body(message), R"x((("text" "plain" NIL NIL NIL "7bit" 0 0) "mixed"))x");
  EXPECT_EQ(body_structure(message), R"x((("text" "plain" NIL NIL NIL "7bit" 0 0 NIL NIL NIL NIL) "mixed" ("boundary" "b") NIL NIL NIL))x");
}

TEST(BodyStructureText, UnknownEncoding_IsAsWritten) {
  EXPECT_EQ(body("Content-Type: application/x\r\nContent-Transfer-Encoding: x-uuencode\r\n\r\n"),
            R"x(("application" "x" NIL NIL NIL "x-uuencode" 0))x");
}

TEST(BodyStructureText, EightBitAndQuotes) {
  const std::string_view message = "Content-Type: application/x; name=\"a\\\"\xFC\"\r\nContent-Description: \xC3\xBC\r\n\r\n";
  EXPECT_EQ(body(message), "(\"application\" \"x\" (\"name\" {3}\r\na\"\xFC) NIL {2}\r\n\xC3\xBC \"7bit\" 0)");
}

TEST(BodyStructureText, TenThousandParts) {
  std::string message = "Content-Type: multipart/mixed; boundary=b\r\n\r\n";
  for (int i = 0; i < 10'000; ++i) message += "--b\r\n\r\nx\r\n";
  message += "--b--\r\n";
  const std::string text = body(message);
  EXPECT_EQ(std::ranges::count(text, '('), 20'001);
  EXPECT_THAT(text, EndsWith(R"x("mixed"))x"));
}

TEST(BodyStructureText, DeepMessage) {
  std::string message;
  for (int i = 0; i < 500; ++i) message += "Content-Type: message/rfc822\r\n\r\n";
  const std::string text = body_structure(message);
  EXPECT_EQ(std::ranges::count(text, '('), std::ranges::count(text, ')'));
  EXPECT_THAT(text, HasSubstr(R"x("application" "octet-stream")x"));
}

// A structure whose envelopes were beyond the limits
TEST(BodyStructureText, NoEnvelope_IsNils) {
  message::Structure structure = message::parse_mime("Content-Type: message/rfc822\r\n\r\nSubject: x\r\n\r\n");
  structure.parts[1].envelope.reset();
  std::string out;
  append_body_structure(out, structure, 0, false, {});
  EXPECT_THAT(out, HasSubstr("14 (NIL NIL NIL NIL NIL NIL NIL NIL NIL NIL) ("));
}

}  // namespace
}  // namespace godwit::imapd
