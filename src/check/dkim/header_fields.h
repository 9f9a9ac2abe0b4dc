#pragma once
// The header of a message as signatures see it: its fields with all their bytes, found by name from the bottom up
// (RFC 6376 5.4.2), and the hash over those that a signature names (RFC 6376 3.7, hash step 2). Nothing here knows tags.
//
// The header ends at the first empty line and nowhere else; lines end with CRLF alone. A line that is neither a field nor the
// continuation of one is skipped, with its continuations. Memory is bounded by the limits below: a header beyond them is
// dropped whole, since fields are counted from its end; then named() still says whether a name was seen, and nothing else is to
// be asked. One user at a time.

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "check/dkim/canonical.h"

namespace godwit::dkim {

class HeaderFields {
 public:
  static constexpr std::size_t kMaxBytes = 256 * 1024;
  static constexpr std::size_t kMaxFields = 5'000;

  explicit HeaderFields(std::size_t max_bytes = kMaxBytes) : max_bytes_(max_bytes) {}

  // Bytes of the message in order, until done(). How many of them belong to the header, the empty line included.
  std::size_t feed(std::string_view bytes);
  void finish();  // the message is over: what has no empty line behind it is all header
  bool done() const { return done_; }
  bool too_large() const { return too_large_; }  // the rest of the message is not looked at

  // The message begins with a line that continues nothing: a field put in front of it would swallow that line.
  bool continues_nothing() const { return !bytes_.empty() && (bytes_[0] == ' ' || bytes_[0] == '\t'); }

  // After done(). Fields count from the top; `name` is in lower case.
  std::size_t size() const { return fields_.size(); }
  std::string_view name(std::size_t field) const;   // as it came, without the white space before the colon
  std::string_view bytes(std::size_t field) const;  // from the name to the last byte before the field's final CRLF
  std::string_view value(std::size_t field) const;  // behind the colon
  std::span<const std::uint32_t> named(std::string_view name) const;

  // RFC 6376 5.4.2: for each name its last instance that is not taken yet; names beyond the instances stand for nothing
  // (RFC 6376 5.4). `except` (a signature's own field) does not count. Names are in lower case.
  std::vector<std::uint32_t> select(std::span<const std::string> names, std::optional<std::size_t> except) const;

  // RFC 6376 3.7: the SHA-256 over the selected fields, each with CRLF, and `last` (pieces of the signature's own field without
  // its value), with no CRLF behind it.
  std::string hash(Canonicalization how, std::span<const std::uint32_t> fields, std::span<const std::string_view> last) const;

 private:
  struct Field {
    std::uint32_t begin = 0;
    std::uint32_t name_size = 0;
    std::uint32_t colon = 0;
    std::uint32_t end = 0;
  };

  void take_line(std::size_t end);
  void begin_field(std::size_t end);
  void end_header();

  std::size_t max_bytes_;
  std::string bytes_;
  std::size_t line_ = 0;     // where the line begins that is not over yet
  std::size_t scanned_ = 0;  // before this there is no end of that line
  bool in_field_ = false;
  bool done_ = false;
  bool too_large_ = false;
  std::vector<Field> fields_;
  std::unordered_map<std::string, std::vector<std::uint32_t>> by_name_;
};

}  // namespace godwit::dkim
