#include "grammar/submit/reader.h"

#include <algorithm>
#include <charconv>

namespace godwit::submit {
namespace {

constexpr std::size_t kMaxDigits = 19;

Result<std::uint64_t> parse_number(std::string_view text, std::size_t offset) {
  std::uint64_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  const bool canonical = text.size() <= kMaxDigits && (text.size() == 1 || !text.starts_with('0'));
  if (text.empty() || error != std::errc() || end != text.data() + text.size() || !canonical)
    return fail(Error::syntax("not a number", offset));
  return value;
}

}  // namespace

// true: line_ is a whole line, without its LF.
Result<bool> Reader::take_line(std::string_view input, std::size_t& consumed) {
  const std::size_t end = input.find('\n');
  const std::string_view part = input.substr(0, end);
  if (line_.size() + part.size() >= kMaxLine) return fail(Error::permanent(Error::Cause::limit, "a line of the envelope is too long"));
  line_ += part;
  consumed = part.size() + (end == std::string_view::npos ? 0 : 1);
  if (!has_envelope() && offset_ + consumed > kMaxEnvelope)
    return fail(Error::permanent(Error::Cause::limit, "too many recipients for one message"));
  return end != std::string_view::npos;
}

Result<Reader::Piece> Reader::next(std::string_view input) {
  Piece piece;
  if (state_ == State::finished || input.empty()) return wrong("there is more than one message");
  if (state_ == State::chunk) {
    piece.bytes = input.substr(0, remaining_);
    piece.consumed = piece.bytes.size();
    GODWIT_TRY(check_line_ends(piece.bytes));
    remaining_ -= piece.consumed;
    size_ += piece.consumed;
    if (remaining_ == 0) state_ = State::chunk_size;
  } else {
    GODWIT_ASSIGN(const bool whole, take_line(input, piece.consumed));
    if (whole) {
      GODWIT_TRY(has_envelope() ? chunk_line(line_) : envelope_line(line_));
      line_.clear();
    }
  }
  offset_ += piece.consumed;
  return piece;
}

Result<void> Reader::envelope_line(std::string_view line) {
  if (lines_++ == 0) {
    if (line != "submit 1") return wrong("it does not begin with \"submit 1\"");
    return {};
  }
  if (line.empty()) {
    if (envelope_.recipients.empty()) return wrong("there is no recipient");
    state_ = State::chunk_size;
    return {};
  }
  if (std::ranges::any_of(line, [](char c) { return static_cast<unsigned char>(c) < 0x20 || c == 0x7f; }))
    return wrong("a control character");
  const std::size_t space = line.find(' ');
  return set(line.substr(0, space), space == std::string_view::npos ? std::string_view() : line.substr(space + 1));
}

Result<void> Reader::set(std::string_view key, std::string_view value) {
  const auto once = [&](bool fresh) -> Result<void> {
    if (!fresh) return wrong("a line that may come once came twice");
    return {};
  };
  if (key == "to") {
    if (value.empty()) return wrong("an empty recipient");
    envelope_.recipients.emplace_back(value);
  } else if (key == "to-notify" || key == "to-orcpt") {
    if (value.empty() || envelope_.recipients.empty()) return wrong("a line about a recipient that is not there");
    Envelope::ForOne& one = envelope_.for_one[envelope_.recipients.size() - 1];
    std::string& into = key == "to-notify" ? one.notify : one.orcpt;
    GODWIT_TRY(once(into.empty()));
    into = value;
  } else if (key == "from") {
    GODWIT_TRY(once(!envelope_.from));
    envelope_.from = value;
  } else if (key == "login") {
    GODWIT_TRY(once(envelope_.login.empty()));
    envelope_.login = value;
  } else if (key == "author") {
    GODWIT_TRY(once(!envelope_.author));
    envelope_.author = value;
  } else if (key == "notify") {
    GODWIT_TRY(once(envelope_.notify.empty()));
    envelope_.notify = value;
  } else if (key == "ret") {
    GODWIT_TRY(once(envelope_.ret.empty()));
    envelope_.ret = value;
  } else if (key == "envid") {
    GODWIT_TRY(once(envelope_.envid.empty()));
    envelope_.envid = value;
  } else if (key == "size") {
    GODWIT_TRY(once(!envelope_.size));
    GODWIT_ASSIGN(envelope_.size, parse_number(value, offset_));
  } else if (key == "8bit" && value.empty()) {
    envelope_.eight_bit = true;
  } else {
    return wrong("an unknown line in the envelope");
  }
  return {};
}

Result<void> Reader::chunk_line(std::string_view line) {
  GODWIT_ASSIGN(const std::uint64_t size, parse_number(line, offset_));
  if (size > kMaxChunk) return wrong("a chunk that is too long");
  if (size > 0) {
    remaining_ = size;
    state_ = State::chunk;
    return {};
  }
  if (!at_line_start_) return wrong("the message does not end in CRLF");
  state_ = State::finished;
  return {};
}

// RFC 5321 2.3.8: a bare CR or LF is what messages are smuggled with; other servers read them as line ends or not.
Result<void> Reader::check_line_ends(std::string_view bytes) {
  for (const char c : bytes) {
    if (after_cr_ != (c == '\n')) return wrong(after_cr_ ? "a bare CR in the message" : "a bare LF in the message");
    if (c == '\0') return wrong("a NUL in the message");
    after_cr_ = c == '\r';
    at_line_start_ = c == '\n';
  }
  return {};
}

}  // namespace godwit::submit
