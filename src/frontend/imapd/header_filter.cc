#include "frontend/imapd/header_filter.h"

#include <algorithm>

#include "base/bytes.h"

namespace godwit::imapd {

bool HeaderEnd::feed(std::string_view bytes) {
  while (!found_ && !bytes.empty()) {
    const auto newline = bytes.find('\n');
    const std::size_t length = std::min(newline, bytes.size());
    if (line_ == 0 && length > 0) cr_ = bytes[0] == '\r';
    line_ += length;
    position_ += length;
    if (newline == std::string_view::npos) break;
    ++position_;
    found_ = line_ == 0 || (line_ == 1 && cr_);
    line_ = 0;
    bytes.remove_prefix(newline + 1);
  }
  return found_;
}

bool HeaderFilter::asked_for(std::string_view name) const {
  return std::ranges::any_of(*names_, [&](const std::string& each) { return ascii_iequals(each, name); });
}

// What is held says what line it is: a field's name, a line without a colon, or too much for a name.
void HeaderFilter::decide(std::string& out) {
  if (held_ == "\n" || held_ == "\r\n") {
    out += held_;
    held_.clear();
    state_ = State::done;
    return;
  }
  // RFC 5322 4.5: white space may stand in front of the colon
  const bool named = held_.back() == ':';
  keep_ = (named && asked_for(trim(std::string_view(held_).substr(0, held_.size() - 1)))) == matching_;
  if (keep_) out += held_;
  state_ = held_.back() == '\n' ? State::name : State::rest;
  held_.clear();
}

std::string_view HeaderFilter::take_name(std::string_view bytes, std::string& out) {
  if (held_.empty() && (bytes[0] == ' ' || bytes[0] == '\t')) {  // folded: as the line before
    state_ = State::rest;
    return bytes;
  }
  const std::string_view room = bytes.substr(0, kMaxName - held_.size());
  const auto end = room.find_first_of(":\n");
  held_ += room.substr(0, end == std::string_view::npos ? end : end + 1);
  const std::size_t taken = end == std::string_view::npos ? room.size() : end + 1;
  if (end != std::string_view::npos || held_.size() == kMaxName) decide(out);
  return bytes.substr(taken);
}

std::string_view HeaderFilter::take_rest(std::string_view bytes, std::string& out) {
  const auto newline = bytes.find('\n');
  const std::size_t taken = newline == std::string_view::npos ? bytes.size() : newline + 1;
  if (keep_) out += bytes.substr(0, taken);
  if (newline != std::string_view::npos) state_ = State::name;
  return bytes.substr(taken);
}

void HeaderFilter::feed(std::string_view bytes, std::string& out) {
  while (!bytes.empty() && state_ != State::done) bytes = state_ == State::name ? take_name(bytes, out) : take_rest(bytes, out);
}

void HeaderFilter::finish(std::string& out) {
  if (!held_.empty()) decide(out);
}

}  // namespace godwit::imapd
