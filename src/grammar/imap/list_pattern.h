#pragma once
// Which mailbox names a LIST pattern stands for: RFC 9051 6.3.9, `*` anything, `%` anything but the delimiter.
//
// The pattern is a set of bits that move along with the name, so a name costs its length times the pattern's over 64, whatever the pattern
// is: no backtracking. A value, any thread.

#include <array>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace godwit::imap {

class ListPattern {
 public:
  // Both as `read_mailbox_name` gives them. They are put side by side; a pattern that begins with "/" stands for itself.
  // At most kMaxPattern bytes together; errors are `denied`.
  static Result<ListPattern> create(std::string_view reference, std::string_view pattern);

  bool matches(std::string_view name) const;
  // There may be a name below `name` that matches: whether it is worth looking at its children.
  bool may_match_below(std::string_view name) const;
  const std::string& text() const { return text_; }

 private:
  using Bits = std::vector<std::uint64_t>;
  explicit ListPattern(std::string text);
  Bits start() const;
  void step(Bits& live, unsigned char c, bool any_case) const;
  Bits run(std::string_view name) const;

  std::string text_;  // runs of wildcards are one
  std::size_t words_ = 0;
  std::vector<std::uint64_t> accepts_;  // 256 times words_: where the pattern has this byte
  Bits any_;                            // where it has *
  Bits level_;                          // where it has %
};

}  // namespace godwit::imap
