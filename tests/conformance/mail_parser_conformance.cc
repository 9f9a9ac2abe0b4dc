// Conformance: mail-parser's header fields (content types, addresses, message ids, unstructured text) and its messages. It is another
// implementation's reading: where it differs from an RFC, the case is a listed exception with the clause.

#include <algorithm>
#include <map>
#include <vector>

#include <boost/json.hpp>

#include "grammar/message/encoded_word.h"
#include "mime_invariants.h"
#include "suite.h"

namespace godwit::conformance {
namespace {

namespace json = boost::json;

using Exceptions = std::map<std::string, std::string>;

std::string text_of(const json::value& value) { return value.is_string() ? std::string(value.as_string()) : ""; }

// The cases show where a field ends: at a line end that no white space follows.
std::string field_of(std::string_view header) {
  std::string out;
  for (std::size_t i = 0; i < header.size(); ++i) {
    if (header[i] != '\n') {
      out.push_back(header[i]);
      continue;
    }
    if (i + 1 >= header.size() || (header[i + 1] != ' ' && header[i + 1] != '\t')) break;
  }
  std::erase(out, '\r');
  while (!out.empty() && (out.back() == ' ' || out.back() == '\t')) out.pop_back();
  while (!out.empty() && (out.front() == ' ' || out.front() == '\t')) out.erase(0, 1);
  return out;
}

std::string collapsed(std::string_view text) {
  std::string out;
  for (const char c : text) {
    const bool space = c == ' ' || c == '\t';
    if (!space) out.push_back(c);
    if (space && !out.ends_with(' ')) out.push_back(' ');
  }
  return out;
}

std::string content_type(const std::string& field) {
  const auto type = message::parse_content_type(field);
  if (!type) return "none";
  std::string out = type->type + "/" + type->subtype;
  for (const auto& parameter : type->parameters) out += "; " + parameter.name + "=" + message::decoded(parameter);
  return out;
}

std::string expected_content_type(const json::value& value) {
  // RFC 2045 5.1: without a subtype it is no Content-Type
  if (!value.is_object() || !value.at("c_subtype").is_string()) return "none";
  std::string out = text_of(value.at("c_type")) + "/" + text_of(value.at("c_subtype"));
  const auto* attributes = value.as_object().if_contains("attributes");
  if (attributes == nullptr || !attributes->is_array()) return out;
  for (const auto& pair : attributes->as_array()) {
    const std::string name = text_of(pair.at(0));
    if (!name.ends_with("-language")) out += "; " + name + "=" + text_of(pair.at(1));
  }
  return out;
}

std::string addresses(const std::string& field) {
  std::string out;
  for (const auto& address : message::parse_envelope_addresses(field)) {
    if (address.kind == message::EnvelopeAddress::Kind::group_begin) out += "[" + message::decode_words(address.mailbox) + "]";
    if (address.kind == message::EnvelopeAddress::Kind::mailbox)
      out += "(" + message::decode_words(address.name) + "|" + address.mailbox + "@" + address.host + ")";
    if (address.kind == message::EnvelopeAddress::Kind::group_end) out += "[]";
  }
  return out;
}

std::string expected_mailboxes(const json::array& list) {
  std::string out;
  for (const auto& each : list) out += "(" + text_of(each.at("name")) + "|" + text_of(each.at("address")) + ")";
  return out;
}

std::string expected_addresses(const json::value& value) {
  if (!value.is_object()) return "";
  if (const auto* list = value.as_object().if_contains("List")) return expected_mailboxes(list->as_array());
  std::string out;
  for (const auto& group : value.at("Group").as_array()) {
    const bool named = group.at("name").is_string();
    out +=
        (named ? "[" + text_of(group.at("name")) + "]" : "") + expected_mailboxes(group.at("addresses").as_array()) + (named ? "[]" : "");
  }
  return out;
}

std::string ids(const std::string& field) {
  std::string out;
  for (const auto& id : message::parse_message_ids(field)) out += "<" + id + ">";
  return out;
}

std::string expected_ids(const json::value& value) {
  std::string out;
  if (!value.is_array()) return out;
  for (const auto& id : value.as_array()) out += "<" + text_of(id) + ">";
  return out;
}

std::string unstructured(const std::string& field) { return collapsed(message::decode_words(field)); }
std::string expected_text(const json::value& value) { return collapsed(text_of(value)); }

void run_headers(Suite& suite, const std::string& file, std::string (*ours)(const std::string&), std::string (*theirs)(const json::value&),
                 const Exceptions& exceptions) {
  boost::system::error_code error;
  const auto cases = json::parse(suite.read("headers/" + file), error);
  if (error) return suite.fail(file, "is no JSON");
  int number = 0;
  for (const auto& each : cases.as_array()) {
    const std::string test = file + " " + std::to_string(number++);
    const std::string header = text_of(each.at("header"));
    const auto got = ours(field_of(header));
    const auto wanted = theirs(each.at("expected"));
    const auto exception = exceptions.find(test);
    if (got == wanted)
      suite.pass();
    else if (exception != exceptions.end())
      suite.skip(test, exception->second);
    else
      suite.fail(test, printable(header) + " is " + got + ", not " + wanted);
  }
}

// "0(1 2(3))" with the offsets of each part's header and of its body's ends.
std::string tree(const message::Structure& structure, std::uint32_t index) {
  const auto& part = structure.parts[index];
  std::string out = std::to_string(part.header_begin) + "-" + std::to_string(part.body_begin);
  if (part.kind != message::Part::Kind::multipart) return out + "-" + std::to_string(part.body_end);
  out += " {";
  for (const auto child : part.children) out += " " + tree(structure, child);
  return out + " }";
}

std::string expected_tree(const json::array& parts, std::size_t index) {
  const auto& part = parts.at(index);
  const auto number = [&](const char* name) { return std::to_string(part.at(name).to_number<std::uint64_t>()); };
  std::string out = number("offset_header") + "-" + number("offset_body");
  const auto& body = part.at("body").as_object();
  const auto* multipart = body.if_contains("Multipart");
  if (multipart == nullptr) return out + "-" + number("offset_end");
  out += " {";
  for (const auto& child : multipart->as_array()) out += " " + expected_tree(parts, child.to_number<std::size_t>());
  return out + " }";
}

void run_messages(Suite& suite, const std::string& folder, const Exceptions& exceptions) {
  std::vector<std::string> files;
  for (const auto& entry : std::filesystem::directory_iterator(*suite.folder() / "eml" / folder)) {
    if (entry.path().extension() == ".eml") files.push_back(entry.path().stem().string());
  }
  std::ranges::sort(files);
  for (const auto& file : files) {
    const std::string test = folder + "/" + file;
    const std::string text = suite.read("eml/" + test + ".eml");
    if (const auto why = check_structure(text); why.empty())
      suite.pass();
    else
      suite.fail(test, why);
    boost::system::error_code error;
    const auto expected = json::parse(suite.read("eml/" + test + ".json"), error);
    if (error) return suite.fail(test, "is no JSON");
    const auto wanted = expected_tree(expected.at("parts").as_array(), 0);
    auto got = tree(message::parse_mime(text), 0);
    if (got != wanted) got = tree(message::parse_mime(with_lf(text)), 0);  // some were judged before their line ends became CRLF
    const auto exception = exceptions.find(test);
    if (got == wanted)
      suite.pass();
    else if (exception != exceptions.end())
      suite.skip(test, exception->second);
    else
      suite.fail(test, got + ", not " + wanted);
  }
}

const Exceptions kExceptions = {
    {"content_type.json 21", "RFC 2231 4.1: charset and language stand in the first piece alone"},
    {"content_type.json 23", "RFC 2047 6.2: white space between adjacent encoded words goes"},
    {"content_type.json 37", "RFC 2045 5.1: a quoted string that never closes is none; white space at its end is not kept"},
    {"content_type.json 41", "RFC 2231 7: no such names; the stars that are no index stay"},
    {"content_type.json 51", "RFC 2045 5.1: a subtype holds no slash"},
    {"content_type.json 52", "RFC 2045 5.1: a subtype holds no slash"},
    {"address.json 6", "RFC 5322 3.2.2: a comment is no part of a name"},
    {"address.json 7", "RFC 5322 3.2.2: a comment is no part of a name, and no address"},
    {"address.json 9", "RFC 5322 4.4: a route and white space are no part of the address"},
    {"address.json 15", "RFC 5322 3.2.2: a comment is no part of a name"},
    {"address.json 25", "RFC 5322 3.4: no address (a URI of RFC 2369)"},
    {"address.json 26", "RFC 5322 3.4: no address (a URI of RFC 2369)"},
    {"address.json 27", "RFC 5322 3.4: no address (a URI of RFC 2369)"},
    {"address.json 28", "RFC 5322 3.4: no address (NO of RFC 2369)"},
    {"address.json 29", "RFC 5322 3.4: no address (a URI of RFC 2369)"},
    {"address.json 30", "RFC 5322 3.4: no address (a URI of RFC 2369)"},
    {"address.json 31", "RFC 5322 3.4: no address (a URI of RFC 2369)"},
    {"address.json 37", "RFC 5322 3.4: no phrase behind the address"},
    {"id.json 6", "RFC 5322 4.5.4: white space and comments are no part of an obs-id"},
    {"id.json 8", "RFC 5322 3.6.4: a msg-id stands in < >"},
    {"id.json 9", "RFC 5322 3.6.4: a msg-id stands in < >"},
    {"id.json 10", "RFC 5322 3.6.4: a msg-id stands in < >"},
    {"unstructured.json 14", "RFC 2047 5: no space is added before a word"},
    {"unstructured.json 18", "RFC 2047 5: no space is added before a word"},
    {"unstructured.json 19", "RFC 2047 5: no space is added before a word"},
    {"thirdparty/005", "RFC 2046 5.1.1: a delimiter stands at the beginning of a line"},
    {"malformed/004", "RFC 2046 5.1.1: a part begins behind the whole line of its delimiter"},
    {"thirdparty/015", "RFC 2046 5.1.2: an outer boundary ends what is inside"},
    {"malformed/000", "RFC 2046 5.1.1: each delimiter begins a part, an empty one too"},
    {"malformed/001", "RFC 2046 5.1.2: an outer boundary ends what is inside, also one that begins as the inner one does"},
    {"malformed/002", "RFC 2046 5.1: a multipart without a part stays a multipart"},
    {"malformed/007", "RFC 2046 5.1.1: a line that begins with the boundary is a delimiter, in a header too"},
    {"malformed/008", "RFC 2046 5.1.2: an outer boundary ends what is inside, also one that begins as the inner one does"},
    {"malformed/009", "RFC 2046 5.1.2: an outer boundary ends what is inside"},
    {"malformed/011", "RFC 2046 5.1.2: an outer boundary ends what is inside"},
    {"malformed/012", "RFC 2046 5.1.2: an outer boundary ends what is inside"},
    {"malformed/013", "RFC 2046 5.1.1: each delimiter begins a part, an empty one at the end too"},
    {"malformed/014", "RFC 2046 5.1.1: each delimiter begins a part, an empty one at the end too"},
    {"malformed/016", "RFC 2046 5.1.2: an outer boundary ends what is inside, also one that begins as the inner one does"},
    {"malformed/020", "RFC 2045 3: one Content-Type; of two the first counts here"},
    {"malformed/022", "RFC 2046 5.1.2: an outer boundary ends what is inside, also a header"},
    {"malformed/021", "RFC 2045 3: one Content-Type; of two the first counts here"},
};

int run(int argc, char** argv) {
  Suite suite("mail-parser", argc, argv);
  if (!suite.folder()) return 0;
  run_headers(suite, "content_type.json", content_type, expected_content_type, kExceptions);
  run_headers(suite, "address.json", addresses, expected_addresses, kExceptions);
  run_headers(suite, "id.json", ids, expected_ids, kExceptions);
  run_headers(suite, "unstructured.json", unstructured, expected_text, kExceptions);
  for (const char* folder : {"rfc", "thirdparty", "malformed"}) run_messages(suite, folder, kExceptions);
  return suite.finish();
}

}  // namespace
}  // namespace godwit::conformance

int main(int argc, char** argv) { return godwit::conformance::run(argc, argv); }
