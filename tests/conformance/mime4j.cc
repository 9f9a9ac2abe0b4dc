#include "mime4j.h"

#include <algorithm>
#include <vector>

#include "mime_invariants.h"

namespace godwit::conformance {
namespace {

// An entity as the XML shows it, and as we do: what kind, the header's fields, a leaf's body or the file that holds it.
struct Entity {
  std::string kind;  // "leaf", "multipart", "message"
  std::string header;
  std::string body;
  std::string file;
  std::vector<Entity> inside;
};

std::string unescaped(std::string_view text) {
  std::string out;
  const std::pair<std::string_view, char> names[] = {{"&lt;", '<'}, {"&gt;", '>'}, {"&amp;", '&'}, {"&quot;", '"'}, {"&apos;", '\''}};
  while (!text.empty()) {
    const auto* const found = std::ranges::find_if(names, [&](const auto& name) { return text.starts_with(name.first); });
    out.push_back(found == std::end(names) ? text[0] : found->second);
    text.remove_prefix(found == std::end(names) ? 1 : found->first.size());
  }
  return out;
}

// The suites' XML is plain: no attributes but name="...", a line break behind <header>, <field> and <body>.
class XmlReader {
 public:
  explicit XmlReader(std::string_view text) : text_(text) {}

  Entity run() {
    next_tag();
    return entity();
  }

 private:
  // The name of the next tag; `before_` is the text before it.
  void next_tag() {
    const auto open = std::min(text_.find('<'), text_.size());
    before_ = text_.substr(0, open);
    text_.remove_prefix(open);
    const auto close = text_.find('>');
    tag_ = close == std::string_view::npos ? "" : text_.substr(1, close - 1);
    text_.remove_prefix(close == std::string_view::npos ? text_.size() : close + 1);
  }

  std::string content() {
    next_tag();
    auto text = before_;
    if (text.starts_with("\r\n")) text.remove_prefix(2);
    if (text.starts_with('\n')) text.remove_prefix(1);
    return with_lf(unescaped(text));
  }

  // From behind <message> or <body-part> to behind its end.
  Entity entity() {
    Entity out;
    out.kind = "leaf";
    const std::string end = "/" + std::string(tag_);
    for (next_tag(); tag_ != end && !tag_.empty(); next_tag()) {
      if (tag_ == "header") {
        for (next_tag(); tag_ == "field"; next_tag()) out.header += content() + "\n";
      } else if (tag_ == "body") {
        out.body = content();
      } else if (tag_.starts_with("text-body") || tag_.starts_with("binary-body")) {
        const auto quote = tag_.find('"');
        out.file = tag_.substr(quote + 1, tag_.rfind('"') - quote - 1);
      } else if (tag_ == "multipart") {
        out.kind = "multipart";
      } else if (tag_ == "body-part") {
        out.inside.push_back(entity());
      } else if (tag_ == "message") {
        out.kind = "message";
        out.inside.push_back(entity());
      }
    }
    return out;
  }

  std::string_view text_;
  std::string_view before_;
  std::string_view tag_;
};

// The fields alone, with LF: lines that are none are not in the XML.
std::string fields_of(std::string_view header) {
  std::string out;
  bool in_field = false;
  for (std::string rest = with_lf(header); !rest.empty();) {
    const auto end = std::min(rest.find('\n'), rest.size());
    const std::string line = rest.substr(0, end);
    rest.erase(0, end + 1);
    if (line.empty()) continue;
    const auto name_end = line.find_first_of(": \t");
    const bool folded = line[0] == ' ' || line[0] == '\t';
    const auto is_ftext = [](char c) { return c > 32 && c < 127; };
    if (!folded)
      in_field = name_end != std::string::npos && name_end > 0 && line.find_first_not_of(" \t", name_end) == line.find(':') &&
                 std::ranges::all_of(line.substr(0, name_end), is_ftext);
    if (in_field) out += line + "\n";
  }
  return out;
}

Entity to_entity(std::string_view text, const message::Structure& structure, std::uint32_t index, bool decoded) {
  const auto& part = structure.parts[index];
  Entity out;
  out.header = fields_of(cut(text, part.header_begin, part.body_begin));
  const bool leaf = part.kind == message::Part::Kind::leaf;
  out.kind = leaf ? "leaf" : part.kind == message::Part::Kind::multipart ? "multipart" : "message";
  if (leaf) out.body = with_lf(decoded ? decoded_body(text, part) : std::string(cut(text, part.body_begin, part.body_end)));
  for (const auto child : part.children) out.inside.push_back(to_entity(text, structure, child, decoded));
  return out;
}

// Empty, or what differs.
std::string compare(Suite& suite, const Entity& ours, const Entity& theirs, const std::string& path) {
  if (ours.kind != theirs.kind) return path + " is a " + ours.kind + ", not a " + theirs.kind;
  if (ours.header != theirs.header) return path + " has the header " + printable(ours.header) + ", not " + printable(theirs.header);
  const std::string body = theirs.file.empty() ? theirs.body : with_lf(suite.read(theirs.file));
  if (ours.body != body) return path + " has the body " + printable(ours.body).substr(0, 300) + ", not " + printable(body).substr(0, 300);
  if (ours.inside.size() != theirs.inside.size())
    return path + " has " + std::to_string(ours.inside.size()) + " parts, not " + std::to_string(theirs.inside.size());
  for (std::size_t i = 0; i < ours.inside.size(); ++i) {
    if (auto why = compare(suite, ours.inside[i], theirs.inside[i], path + "." + std::to_string(i + 1)); !why.empty()) return why;
  }
  return "";
}

}  // namespace

int run_mime4j(const std::string& name, const std::map<std::string, std::string>& exceptions, int argc, char** argv) {
  Suite suite(name, argc, argv);
  if (!suite.folder()) return 0;
  std::vector<std::string> cases;
  for (const auto& entry : std::filesystem::directory_iterator(*suite.folder())) {
    if (entry.path().extension() == ".msg") cases.push_back(entry.path().stem().string());
  }
  std::ranges::sort(cases);
  const auto judge = [&](const std::string& test, const std::string& which, const std::string& why) {
    auto exception = exceptions.find(test);
    if (exception == exceptions.end()) exception = exceptions.find(which);
    if (why.empty())
      suite.pass();
    else if (exception != exceptions.end())
      suite.skip(test, exception->second);
    else
      suite.fail(test, why);
  };
  for (const auto& each : cases) {
    const std::string text = suite.read(each + ".msg");
    const auto structure = message::parse_mime(text);
    judge(each + " invariants", "", check_structure(text));
    judge(each, each, compare(suite, to_entity(text, structure, 0, false), XmlReader(suite.read(each + ".xml")).run(), "message"));
    judge(each + " decoded", each,
          compare(suite, to_entity(text, structure, 0, true), XmlReader(suite.read(each + "_decoded.xml")).run(), "message"));
  }
  return suite.finish();
}

}  // namespace godwit::conformance
