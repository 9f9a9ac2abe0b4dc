#include "grammar/smtp/data_writer.h"

#include <fmt/format.h>

namespace godwit::smtp {

Result<void> DataWriter::refuse(Violation violation, std::uint64_t at) {
  violation_ = violation;
  violation_at_ = at;
  return fail({Error::Kind::permanent, Error::Cause::corrupt, fmt::format("the message holds a {} at byte {}", to_string(violation), at),
               static_cast<std::size_t>(at)});
}

// The chunk has no bare CR or LF and no NUL, seen together with how the chunk before it ended.
Result<void> DataWriter::check(std::string_view chunk) {
  std::size_t i = 0;
  if (state_ == State::cr && !chunk.empty()) {
    if (chunk[0] != '\n') return refuse(Violation::bare_cr, seen_ - 1);
    i = 1;
  }
  for (;;) {
    i += find_line_special(chunk.substr(i));
    if (i == chunk.size()) return {};
    if (chunk[i] == '\0') return refuse(Violation::nul, seen_ + i);
    if (chunk[i] == '\n') return refuse(Violation::bare_lf, seen_ + i);
    if (++i == chunk.size()) return {};
    if (chunk[i] != '\n') return refuse(Violation::bare_cr, seen_ + i - 1);
    ++i;
  }
}

Result<void> DataWriter::append(std::string& out, std::string_view chunk) {
  if (violation_ != Violation::none) return refuse(violation_, violation_at_);
  if (chunk.empty()) return {};
  GODWIT_TRY(check(chunk));
  out.reserve(out.size() + chunk.size() + 16);
  if (state_ == State::line_begin && chunk[0] == '.') out.push_back('.');
  std::size_t begin = 0;
  for (std::size_t at = chunk.find("\n."); at != std::string_view::npos; at = chunk.find("\n.", begin)) {
    out.append(chunk.substr(begin, at + 1 - begin)).push_back('.');
    begin = at + 1;
  }
  out.append(chunk.substr(begin));
  seen_ += chunk.size();
  state_ = chunk.back() == '\n' ? State::line_begin : chunk.back() == '\r' ? State::cr : State::text;
  return {};
}

Result<void> DataWriter::finish(std::string& out) {
  if (violation_ != Violation::none) return refuse(violation_, violation_at_);
  if (state_ == State::cr) return refuse(Violation::bare_cr, seen_ - 1);
  if (state_ == State::text) out.append("\r\n");
  out.append(".\r\n");
  return {};
}

}  // namespace godwit::smtp
