#pragma once
// Messages of a mailbox by their UIDs, read a piece at a time. Any loop.

#include <optional>
#include <vector>

#include "state/mailbox/rows.h"

namespace godwit::mailbox {

// Of the messages of these UIDs (ascending, disjoint) that are there, by uid, the first `limit` that have all of `flags`.
Task<Result<std::vector<Member>>> read_members(store::View& view, MailboxNumber mailbox, std::vector<UidRange> uids, std::size_t limit,
                                               std::uint8_t flags = 0);
// The pages of these UIDs; those so near each other that one scan reads them are together.
struct PageRange {
  std::uint32_t first = 0;
  std::uint32_t last = 0;
};
std::vector<PageRange> pages_of(const std::vector<UidRange>& uids);
// The same out of one page that is at hand.
std::vector<Member> choose(const MessagePage& page, const std::vector<UidRange>& uids, std::size_t limit);
Task<Result<Keywords>> read_keywords(store::View& view);

MessageInfo as_info(const Member& member);
// Ascending, disjoint, never touching, without 0.
std::vector<UidRange> normalised(std::vector<UidRange> uids);
// What is left of them from `uid` on.
void skip_to(std::vector<UidRange>& uids, Uid uid);

}  // namespace godwit::mailbox
