#pragma once
// SMTP replies: RFC 5321 4.2, enhanced status codes RFC 2034 and 3463. Values; any thread.

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace godwit::smtp {

struct EnhancedCode {
  std::uint8_t status_class = 0;  // 2, 4, 5; 0 = none
  std::uint16_t subject = 0;
  std::uint16_t detail = 0;

  bool present() const { return status_class != 0; }
  std::string text() const;  // "5.1.1"
  auto operator<=>(const EnhancedCode&) const = default;
};

struct Reply {
  std::uint16_t code = 0;
  EnhancedCode enhanced;
  std::string text;  // lines separated by \n, without codes; as received: bytes that are not printable ASCII or UTF-8 replaced by ?

  bool positive() const { return code / 100 == 2; }
  bool intermediate() const { return code / 100 == 3; }
  bool transient() const { return code / 100 == 4; }
  bool permanent() const { return code / 100 == 5; }
  // "550 5.1.1 No such user" on one line, for logs and reports.
  std::string one_line() const;
};

// "250-first\r\n250 last\r\n", with the enhanced code on every line where present. At most 512 bytes a line (long text is wrapped).
void append_wire(std::string& out, const Reply& reply);

// Collects the lines of one reply. Lines come without CRLF; a server may send enhanced codes or not.
class ReplyParser {
 public:
  // true: the reply is complete, take() it. Errors: not a reply, codes that differ within one, more than 100 lines or 64 KiB.
  Result<bool> add_line(std::string_view line);
  Reply take();

 private:
  Reply reply_;
  std::size_t lines_ = 0;
};

}  // namespace godwit::smtp
