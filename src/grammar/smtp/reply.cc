#include "grammar/smtp/reply.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>

#include "grammar/smtp/path.h"

namespace godwit::smtp {
namespace {

// RFC 5321 4.5.3.1.5: a reply line has at most 512 bytes with code and CRLF.
constexpr std::size_t kMaxWireLine = 512;
constexpr std::size_t kMaxLines = 100;
constexpr std::size_t kMaxText = 64 * 1024;

bool is_digit(char c) { return c >= '0' && c <= '9'; }

// Bytes that are neither printable ASCII nor UTF-8 become "?", so that nothing strange reaches a log, a bounce or a wire.
void append_clean(std::string& out, std::string_view text) {
  if (is_clean_utf8(text)) {
    out.append(text);
    return;
  }
  for (std::size_t i = 0; i < text.size();) {
    std::size_t length = 0;
    for (std::size_t n = 1; n <= 4 && i + n <= text.size() && length == 0; ++n) {
      if (is_clean_utf8(text.substr(i, n))) length = n;
    }
    if (length == 0)
      out.push_back('?');
    else
      out.append(text.substr(i, length));
    i += std::max<std::size_t>(length, 1);
  }
}

// "2.1.5" at the front of `text`, of the class of `code`; takes it and the space behind it away (RFC 2034 4).
EnhancedCode take_enhanced(std::string_view& text, std::uint16_t code) {
  EnhancedCode out;
  if (text.size() < 5 || text[0] - '0' != code / 100 || text[1] != '.' || !(text[0] == '2' || text[0] == '4' || text[0] == '5')) return {};
  const char* end = text.data() + text.size();
  const auto subject = std::from_chars(text.data() + 2, end, out.subject);
  if (subject.ec != std::errc{} || subject.ptr == end || *subject.ptr != '.') return {};
  const auto detail = std::from_chars(subject.ptr + 1, end, out.detail);
  if (detail.ec != std::errc{} || out.subject > 999 || out.detail > 999 || (detail.ptr != end && *detail.ptr != ' ')) return {};
  out.status_class = static_cast<std::uint8_t>(text[0] - '0');
  text.remove_prefix(static_cast<std::size_t>(detail.ptr - text.data()));
  if (text.starts_with(' ')) text.remove_prefix(1);
  return out;
}

// How much of `text` fits into `room`: all, or up to the last space, or at least no half of a character.
std::size_t fitting(std::string_view text, std::size_t room) {
  if (text.size() <= room) return text.size();
  if (const auto space = text.rfind(' ', room); space != std::string_view::npos && space > 0) return space;
  std::size_t cut = room;
  while (cut > room - 4 && (static_cast<unsigned char>(text[cut]) & 0xc0) == 0x80) --cut;
  return cut;
}

}  // namespace

std::string EnhancedCode::text() const { return present() ? fmt::format("{}.{}.{}", status_class, subject, detail) : std::string(); }

std::string Reply::one_line() const {
  std::string out = fmt::format("{}", code);
  if (enhanced.present()) out += ' ' + enhanced.text();
  if (!text.empty()) out += ' ' + text;
  std::ranges::replace(out, '\n', ' ');
  return out;
}

void append_wire(std::string& out, const Reply& reply) {
  std::string prefix = fmt::format("{:03} ", reply.code);
  if (reply.enhanced.present()) prefix += reply.enhanced.text() + ' ';
  const std::size_t room = kMaxWireLine - 2 - prefix.size();
  std::size_t mark = 0;  // where the last line's separator stands
  std::string clean;
  std::string_view rest = reply.text;
  for (bool more = true; more;) {
    const auto newline = rest.find('\n');
    clean.clear();
    append_clean(clean, rest.substr(0, newline));
    more = newline != std::string_view::npos;
    if (more) rest.remove_prefix(newline + 1);
    std::string_view line = clean;
    do {
      const std::size_t take = fitting(line, room);
      mark = out.size() + 3;
      out.append(prefix).append(line.substr(0, take)).append("\r\n");
      out[mark] = '-';
      line.remove_prefix(take);
      if (line.starts_with(' ')) line.remove_prefix(1);
    } while (!line.empty());
  }
  out[mark] = ' ';
}

Result<bool> ReplyParser::add_line(std::string_view line) {
  // RFC 5321 4.2 Reply-code = %x32-35 %x30-35 %x30-39; the second digit is taken as it comes, servers invent some
  if (line.size() < 3 || line[0] < '2' || line[0] > '5' || !is_digit(line[1]) || !is_digit(line[2]))
    return fail(Error::syntax("a reply begins with a code of three digits", 0));
  if (line.size() > 3 && line[3] != ' ' && line[3] != '-') return fail(Error::syntax("a space or a hyphen follows the code of a reply", 3));
  const auto code = static_cast<std::uint16_t>((line[0] - '0') * 100 + (line[1] - '0') * 10 + (line[2] - '0'));
  if (lines_ > 0 && code != reply_.code) return fail(Error::syntax("the code changes within one reply", 0));
  if (++lines_ > kMaxLines) return fail(Error::permanent(Error::Cause::limit, "a reply of more than 100 lines"));
  const bool last = line.size() == 3 || line[3] == ' ';
  auto text = line.substr(std::min<std::size_t>(line.size(), 4));
  reply_.code = code;
  const auto enhanced = take_enhanced(text, code);
  if (!reply_.enhanced.present()) reply_.enhanced = enhanced;
  if (reply_.text.size() + text.size() > kMaxText) return fail(Error::permanent(Error::Cause::limit, "a reply of more than 64 KiB"));
  if (lines_ > 1) reply_.text.push_back('\n');
  append_clean(reply_.text, text);
  return last;
}

Reply ReplyParser::take() {
  Reply out = std::move(reply_);
  reply_ = Reply();
  lines_ = 0;
  return out;
}

}  // namespace godwit::smtp
