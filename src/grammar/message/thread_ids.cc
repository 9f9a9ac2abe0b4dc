#include "grammar/message/thread_ids.h"

#include <algorithm>
#include <array>

#include "base/bytes.h"
#include "grammar/message/envelope.h"

namespace godwit::message {
namespace {

// The next line without its end.
std::string_view take_line(std::string_view& rest) {
  const std::size_t end = rest.find('\n');
  std::string_view line = rest.substr(0, end);
  rest.remove_prefix(end == std::string_view::npos ? rest.size() : end + 1);
  if (line.ends_with('\r')) line.remove_suffix(1);
  return line;
}

// Where the fields go: Message-ID, References, In-Reply-To.
std::string* value_of(std::string_view line, std::array<std::string, 3>& values) {
  constexpr std::array<std::string_view, 3> kNames = {"message-id", "references", "in-reply-to"};
  const std::string_view name = trim(line.substr(0, line.find(':')));
  for (std::size_t i = 0; i < kNames.size(); ++i) {
    if (ascii_iequals(name, kNames[i]) && values[i].empty()) return &values[i];
  }
  return nullptr;
}

}  // namespace

void ThreadIdReader::feed(std::string_view bytes) {
  if (done_) return;
  const std::size_t before = header_.size();
  header_ += bytes.substr(0, kMaxHeader - before);
  const std::size_t from = before < 3 ? 0 : before - 3;
  const std::size_t end = std::min(header_.find("\n\r\n", from), header_.find("\n\n", from));
  if (end != std::string::npos) header_.resize(end + 1);
  done_ = end != std::string::npos || header_.size() == kMaxHeader;
}

std::vector<std::string> ThreadIdReader::finish() { return thread_ids(header_); }

std::vector<std::string> thread_ids(std::string_view header) {
  std::array<std::string, 3> values;
  std::string* value = nullptr;
  while (!header.empty()) {
    const std::string_view line = take_line(header);
    if (line.empty()) break;
    if (line.front() == ' ' || line.front() == '\t') {
      if (value) (*value += ' ') += line;
      continue;
    }
    const std::size_t colon = line.find(':');
    value = colon == std::string_view::npos ? nullptr : value_of(line, values);
    if (value) *value = line.substr(colon + 1);
  }
  std::vector<std::string> ids = parse_message_ids(values[0]);
  ids.resize(1);
  for (std::size_t i = 1; i < values.size(); ++i) {
    for (auto& id : parse_message_ids(values[i])) {
      if (std::ranges::find(ids, id) == ids.end()) ids.push_back(std::move(id));
    }
  }
  if (ids.size() > ThreadIdReader::kMaxIds)
    ids.erase(ids.begin() + 1, ids.end() - static_cast<std::ptrdiff_t>(ThreadIdReader::kMaxIds - 1));
  return ids;
}

}  // namespace godwit::message
