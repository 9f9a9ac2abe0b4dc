#include "grammar/imap/list_pattern.h"

#include "base/bytes.h"
#include "grammar/imap/limits.h"
#include "grammar/imap/mailbox_name.h"

namespace godwit::imap {
namespace {

constexpr std::size_t kInboxSize = 5;

// "%*%" says what "*" says; with no two wildcards side by side one shift passes them over.
std::string without_double_wildcards(std::string_view pattern) {
  std::string out;
  for (const char c : pattern) {
    const bool wildcard = c == '*' || c == '%';
    const bool after = wildcard && !out.empty() && (out.back() == '*' || out.back() == '%');
    if (!after) {
      out += c;
    } else if (c == '*') {
      out.back() = '*';
    }
  }
  return out;
}

void set(std::vector<std::uint64_t>& bits, std::size_t offset, std::size_t at) { bits[offset + at / 64] |= std::uint64_t{1} << (at % 64); }

bool begins_with_inbox(std::string_view name) {
  return is_inbox(name.substr(0, kInboxSize)) && (name.size() == kInboxSize || name[kInboxSize] == kDelimiter);
}

}  // namespace

Result<ListPattern> ListPattern::create(std::string_view reference, std::string_view pattern) {
  if (pattern.starts_with(kDelimiter)) reference = {};
  if (reference.size() + pattern.size() > kMaxPattern) {
    return fail(Error::permanent(Error::Cause::denied, "the pattern is too long"));
  }
  return ListPattern(without_double_wildcards(std::string(reference).append(pattern)));
}

ListPattern::ListPattern(std::string text)
    : text_(std::move(text)), words_(text_.size() / 64 + 1), accepts_(256 * words_), any_(words_), level_(words_) {
  for (std::size_t at = 0; at < text_.size(); ++at) {
    const auto c = static_cast<unsigned char>(text_[at]);
    if (c == '*') {
      set(any_, 0, at);
    } else if (c == '%') {
      set(level_, 0, at);
    } else {
      set(accepts_, c * words_, at);
    }
  }
}

// Bit n lives when the name so far matches the first n bytes of the pattern.
ListPattern::Bits ListPattern::start() const {
  Bits live(words_);
  live[0] = 1;
  if (text_.starts_with('*') || text_.starts_with('%')) set(live, 0, 1);
  return live;
}

void ListPattern::step(Bits& live, unsigned char c, bool any_case) const {
  const auto lower = static_cast<unsigned char>(ascii_lower(static_cast<char>(c)) == static_cast<char>(c) ? c : c + 32);
  std::uint64_t carry = 0;
  std::uint64_t carry_past = 0;
  for (std::size_t i = 0; i < words_; ++i) {
    const std::uint64_t wild = any_[i] | (c == static_cast<unsigned char>(kDelimiter) ? 0 : level_[i]);
    const std::uint64_t accepted = accepts_[c * words_ + i] | (any_case ? accepts_[lower * words_ + i] : 0);
    const std::uint64_t moved = live[i] & accepted;
    const std::uint64_t next = (live[i] & wild) | (moved << 1) | carry;
    carry = moved >> 63;
    const std::uint64_t passed = next & (any_[i] | level_[i]);
    live[i] = next | (passed << 1) | carry_past;
    carry_past = passed >> 63;
  }
}

ListPattern::Bits ListPattern::run(std::string_view name) const {
  Bits live = start();
  const std::size_t inbox = begins_with_inbox(name) ? kInboxSize : 0;
  for (std::size_t at = 0; at < name.size(); ++at) step(live, static_cast<unsigned char>(name[at]), at < inbox);
  return live;
}

bool ListPattern::matches(std::string_view name) const { return (run(name)[text_.size() / 64] >> (text_.size() % 64) & 1) != 0; }

bool ListPattern::may_match_below(std::string_view name) const {
  Bits live = run(name);
  step(live, static_cast<unsigned char>(kDelimiter), false);
  // The end of the pattern alone does not help: a name below has at least one byte more.
  live[text_.size() / 64] &= ~(std::uint64_t{1} << (text_.size() % 64));
  for (const std::uint64_t word : live)
    if (word != 0) return true;
  return false;
}

}  // namespace godwit::imap
