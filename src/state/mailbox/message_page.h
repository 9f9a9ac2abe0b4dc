#pragma once
// The messages of 64 UIDs of a mailbox: one row, so that what touches a whole mailbox touches few of them.
//
// On disk (docs/formats/mailbox.md): some 20 bytes a message, differences to the one before; at most 16 KiB. A value; any thread.

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "state/mailbox/email.h"

namespace godwit::mailbox {

// A message in a mailbox: what a listing reads, and nothing else.
struct Membership {
  EmailId email = 0;
  Modseq modseq = 0;
  Modseq created = 0;  // of the email: what began it
  std::uint64_t size = 0;
  std::uint8_t flags = 0;
  WallTime saved{};
  WallTime received{};
  std::vector<KeywordNumber> keywords{};  // ascending
  bool operator==(const Membership&) const = default;
};

struct Member {
  Uid uid = 0;
  Membership row;
  bool operator==(const Member&) const = default;
};

class MessagePage {
 public:
  static constexpr Uid kSize = 64;
  static std::uint32_t page_of(Uid uid) { return uid / kSize; }
  static Uid first_uid(std::uint32_t page) { return page * kSize; }
  static Uid last_uid(std::uint32_t page) { return page * kSize + (kSize - 1); }

  const std::vector<Member>& members() const { return members_; }  // by uid
  std::vector<Member>& to_change() { return members_; }            // in place; the UIDs stay as they are
  bool empty() const { return members_.empty(); }
  const Membership* find(Uid uid) const;                          // null: there is none
  void put(Uid uid, Membership member);                           // in place of the one that is there
  void erase(Uid uid);                                            // of none is harmless
  void note_stored(std::size_t bytes) { stored_bytes_ = bytes; }  // encode() took so many
  // At least what encode() takes, when the modseqs have been changed too; of keywords that were added since it was stored whoever added
  // them knows.
  std::size_t most_bytes() const;

  std::string encode() const;
  static Result<MessagePage> decode(std::uint32_t page, std::string_view bytes);

  bool operator==(const MessagePage& other) const { return members_ == other.members_; }

 private:
  std::vector<Member> members_;
  std::size_t stored_bytes_ = 0;  // as it was read or written; 0: messages have come since
};

}  // namespace godwit::mailbox
