#pragma once
// The UIDs of a mailbox that exist, 65,536 to a page. A value; any thread.
//
// On disk (docs/formats/mailbox.md): ranges while they are few, else a bitmap; at most 8 KiB + 1 byte.

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "state/mailbox/uid_set.h"

namespace godwit::mailbox {

class UidPage {
 public:
  static constexpr std::uint32_t kSize = 65'536;
  static constexpr std::size_t kMostBytes = kSize / 8 + 1;  // encoded
  static std::uint16_t page_of(std::uint32_t uid) { return static_cast<std::uint16_t>(uid >> 16); }

  // `offset` is the uid's low 16 bits. Twice is harmless.
  void insert(std::uint16_t offset);
  void erase(std::uint16_t offset);
  bool contains(std::uint16_t offset) const;
  bool empty() const { return ranges_.empty(); }
  std::size_t count() const;
  std::vector<UidRange> uids(std::uint16_t page) const;  // of which this is the page

  std::string encode() const;
  static Result<UidPage> decode(std::string_view bytes);

  bool operator==(const UidPage&) const = default;

 private:
  struct Range {
    std::uint16_t first = 0;
    std::uint16_t last = 0;
    bool operator==(const Range&) const = default;
  };
  static Result<UidPage> decode_ranges(std::string_view bytes);
  static Result<UidPage> decode_bitmap(std::string_view bytes);

  std::vector<Range> ranges_;  // ascending, never touching
};

}  // namespace godwit::mailbox
