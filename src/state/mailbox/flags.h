#pragma once
// Flags of a message: the system's as bits, keywords as numbers of the account's table (RFC 9051 2.3.2). Values, any thread.

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace godwit::mailbox {

// Flags packed in a membership row. on disk: do not change
enum Flag : std::uint8_t { kSeen = 1, kAnswered = 2, kFlagged = 4, kDeleted = 8, kDraft = 16 };

using KeywordNumber = std::uint16_t;

// Every keyword that was ever set in an account, in the order of their coming; nothing is taken out, so a number stays good. Keywords are
// the same whatever their case (RFC 9051 2.3.2) and keep the spelling they came with.
class Keywords {
 public:
  static constexpr std::size_t kMax = 1'000;      // an account
  static constexpr std::size_t kMaxLength = 255;  // of a keyword, as grammar/imap takes it

  Keywords() = default;
  explicit Keywords(std::vector<std::string> names) : names_(std::move(names)) {}  // as they were; "" where one was lost

  std::optional<KeywordNumber> find(std::string_view keyword) const;
  const std::string& name(KeywordNumber number) const;  // "" for a number that is not there
  const std::vector<std::string>& names() const { return names_; }
  // The number of the keyword, which is put in if it is new; nothing when there are kMax.
  std::optional<KeywordNumber> add(std::string_view keyword);
  bool operator==(const Keywords&) const = default;

 private:
  std::vector<std::string> names_;
};

// What STORE asks for. `keywords` in any order, doubles allowed.
struct FlagChange {
  enum class How : std::uint8_t { replace, add, remove };
  How how = How::replace;
  std::uint8_t flags = 0;
  std::vector<std::string> keywords;
};

}  // namespace godwit::mailbox
