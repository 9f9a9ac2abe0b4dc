#include "grammar/message/header.h"

#include <algorithm>
#include <cstring>

#include "base/bytes.h"

namespace godwit::message {
namespace {

bool is_wsp(char c) { return c == ' ' || c == '\t'; }
// RFC 5322 2.2: printable ASCII but the colon
bool is_ftext(char c) { return c > ' ' && c < 127 && c != ':'; }

bool has_high(std::string_view bytes) {
  unsigned char all = 0;
  for (const char c : bytes) all |= static_cast<unsigned char>(c);
  return all > 127;
}

}  // namespace

// The field whose name is complete: count it, and choose where its value goes.
void HeaderScanner::begin_field() {
  ++summary_.fields;
  in_field_ = true;
  value_ = nullptr;
  room_ = kMaxAddresses;
  const auto first = [this](std::uint32_t& count, std::string& value) {
    if (++count == 1) value_ = &value;
  };
  const auto first_text = [&](std::uint32_t& count, std::string& value) {
    room_ = kMaxText;
    first(count, value);
  };
  const std::string_view name = name_;
  if (name == "received")
    ++summary_.received;
  else if (name == "delivered-to")
    ++summary_.delivered_to;
  else if (name == "date")
    first_text(summary_.date, summary_.date_value);
  else if (name == "from")
    first(summary_.from, summary_.from_value);
  else if (name == "sender")
    first(summary_.sender, summary_.sender_value);
  else if (name == "message-id")
    first_text(summary_.message_id, summary_.message_id_value);
  else if (name == "mime-version")
    summary_.mime_version = true;
  else if (name == "subject")
    first_text(subjects_, summary_.subject_value);
  else if (name.starts_with("resent-")) {
    ++summary_.resent;
    if (name == "resent-from") first(resent_froms_, summary_.resent_from_value);
  }
}

void HeaderScanner::end_field() {
  if (value_ != nullptr) {
    const auto trimmed = trim(*value_);
    *value_ = std::string(trimmed);
  }
  value_ = nullptr;
  in_field_ = false;
}

void HeaderScanner::end_header(std::uint64_t size) {
  end_field();
  summary_.size = size;
  summary_.complete = true;
  done_ = true;
}

void HeaderScanner::garbage() {
  end_field();
  ++summary_.garbage_lines;
  state_ = State::garbage;
}

// Line ends are what unfolding takes out (RFC 5322 2.2.3); a stray CR or NUL has no business in a value either.
void HeaderScanner::keep(std::string_view bytes) {
  if (value_ == nullptr) return;
  const bool addresses = value_ == &summary_.from_value || value_ == &summary_.sender_value || value_ == &summary_.resent_from_value;
  if (bytes.size() > room_ && addresses) summary_.value_cut = true;
  const auto before = value_->size();
  std::ranges::copy_if(bytes.substr(0, room_), std::back_inserter(*value_), [](char c) { return c != '\r' && c != '\n' && c != '\0'; });
  room_ -= value_->size() - before;
}

// The first character of a line.
std::size_t HeaderScanner::take_line_begin(char c) {
  line_start_ = position_;
  if (c == '\n') {
    end_header(line_start_);
    return 1;
  }
  if (c == '\r') {
    state_ = State::line_begin_cr;
    return 1;
  }
  if (is_wsp(c)) {
    if (in_field_)
      state_ = State::value;
    else
      garbage();
    return 0;
  }
  end_field();
  name_.clear();
  state_ = State::name;
  return 0;
}

std::size_t HeaderScanner::take_name(std::string_view bytes) {
  std::size_t i = 0;
  while (i < bytes.size() && is_ftext(bytes[i])) {
    if (name_.size() < kMaxName) name_.push_back(ascii_lower(bytes[i]));
    ++i;
  }
  if (i == bytes.size()) return i;
  if (bytes[i] == ':' && !name_.empty()) {
    begin_field();
    state_ = State::value;
    return i + 1;
  }
  // RFC 5322 4.5: white space before the colon
  if (is_wsp(bytes[i]) && !name_.empty())
    state_ = State::name_space;
  else
    garbage();
  return i;
}

std::size_t HeaderScanner::take_name_space(std::string_view bytes) {
  const auto end = std::min(bytes.find_first_not_of(" \t"), bytes.size());
  if (end == bytes.size()) return end;
  if (bytes[end] != ':') {
    garbage();
    return end;
  }
  begin_field();
  state_ = State::value;
  return end + 1;
}

// A value, or garbage, up to the end of its line.
std::size_t HeaderScanner::take_value(std::string_view bytes) {
  const auto newline = bytes.find('\n');
  const auto line = bytes.substr(0, newline);
  if (!summary_.eight_bit) summary_.eight_bit = has_high(line);
  if (state_ == State::value) keep(line);
  if (newline == std::string_view::npos) return bytes.size();
  state_ = State::line_begin;
  return newline + 1;
}

std::size_t HeaderScanner::step(std::string_view bytes) {
  switch (state_) {
    case State::line_begin: return take_line_begin(bytes[0]);
    case State::line_begin_cr:
      if (bytes[0] == '\n') {
        end_header(line_start_);
        return 1;
      }
      garbage();
      return 0;
    case State::name: return take_name(bytes);
    case State::name_space: return take_name_space(bytes);
    case State::value:
    case State::garbage: return take_value(bytes);
  }
  return bytes.size();
}

void HeaderScanner::feed(std::string_view bytes) {
  while (!done_ && !bytes.empty()) {
    const std::size_t used = step(bytes);
    position_ += used;
    bytes.remove_prefix(used);
  }
}

void HeaderScanner::finish() {
  if (done_) return;
  if (state_ == State::name || state_ == State::name_space || state_ == State::line_begin_cr) garbage();
  end_field();
  summary_.size = position_;
  done_ = true;
}

}  // namespace godwit::message
