#include "grammar/message/references.h"

#include "base/bytes.h"
#include "grammar/message/envelope.h"
#include "grammar/message/mime_fields.h"

namespace godwit::message {
namespace {

// The lines of a header, one at a time, without their ends.
class Lines {
 public:
  explicit Lines(std::string_view header) : rest_(header) {}

  bool next(std::string_view& line) {
    if (rest_.empty()) return false;
    const auto newline = rest_.find('\n');
    line = rest_.substr(0, newline);
    rest_ = newline == std::string_view::npos ? std::string_view() : rest_.substr(newline + 1);
    if (line.ends_with('\r')) line.remove_suffix(1);
    return !line.empty();
  }

 private:
  std::string_view rest_;
};

// What follows "name" and a colon (RFC 5322 4.5: white space before it too); null data: another field.
std::string_view body_of(std::string_view line, std::string_view name) {
  if (line.size() <= name.size() || !ascii_iequals(line.substr(0, name.size()), name)) return {};
  const auto colon = line.find_first_not_of(" \t", name.size());
  if (colon == std::string_view::npos || line[colon] != ':') return {};
  return line.substr(colon);  // with the colon, so that an empty body is not null
}

struct Wanted {
  std::string_view name;
  std::string text{};
  bool seen = false;
};

}  // namespace

std::vector<std::string> find_references(std::string_view header) {
  Wanted wanted[] = {{"References"}, {"In-Reply-To"}};
  Wanted* current = nullptr;
  Lines lines(header);
  for (std::string_view line; lines.next(line);) {
    const bool folded = line.front() == ' ' || line.front() == '\t';
    if (!folded) {
      current = nullptr;
      for (auto& each : wanted) {
        if (each.seen || body_of(line, each.name).data() == nullptr) continue;
        current = &each;
        each.seen = true;
      }
    }
    if (current && current->text.size() < FieldCollector::kMaxField) current->text += line.substr(0, FieldCollector::kMaxField);
  }
  auto ids = parse_message_ids(wanted[0].text);
  if (!ids.empty()) return ids;
  ids = parse_message_ids(wanted[1].text);
  if (ids.size() > 1) ids.resize(1);
  return ids;
}

}  // namespace godwit::message
