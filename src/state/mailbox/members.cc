#include "state/mailbox/members.h"

#include <algorithm>

#include "base/bytes.h"
#include "state/mailbox/mailbox_impl.h"

namespace godwit::mailbox {
namespace {

using store::Keyspace;

// Takes what is asked for out of pages that come in their order.
class Sieve {
 public:
  Sieve(const std::vector<UidRange>& uids, std::size_t limit, std::uint8_t flags) : uids_(uids), limit_(limit), flags_(flags) {}

  Result<void> take(const store::Row& row) {
    GODWIT_ASSIGN(const auto key, parse_messages_key(row.key));
    GODWIT_ASSIGN(const auto page, MessagePage::decode(key.page, row.value));
    take(page);
    return {};
  }

  void take(const MessagePage& page) {
    for (const Member& each : page.members()) {
      if (full()) return;
      while (at_ < uids_.size() && uids_[at_].last < each.uid) ++at_;
      if (at_ == uids_.size()) return;
      if (uids_[at_].first <= each.uid && (each.row.flags & flags_) == flags_) found_.push_back(each);
    }
  }

  bool full() const { return found_.size() >= limit_; }
  store::ScanLimit next() const {
    constexpr std::size_t kMost = 10'000;
    const std::size_t left = limit_ - found_.size();
    return {flags_ == 0 ? std::min(left / 16 + 2, kMost) : kMost, 1 << 20};
  }
  std::vector<Member> found() { return std::move(found_); }

 private:
  const std::vector<UidRange>& uids_;
  std::size_t limit_;
  std::uint8_t flags_;
  std::size_t at_ = 0;
  std::vector<Member> found_;
};

}  // namespace

std::vector<PageRange> pages_of(const std::vector<UidRange>& uids) {
  constexpr std::uint32_t kSmallGap = 8;
  std::vector<PageRange> out;
  for (const auto& each : uids) {
    const std::uint32_t first = MessagePage::page_of(each.first);
    const std::uint32_t last = MessagePage::page_of(each.last);
    if (!out.empty() && first - out.back().last <= kSmallGap)
      out.back().last = last;
    else
      out.push_back({first, last});
  }
  return out;
}

std::vector<Member> choose(const MessagePage& page, const std::vector<UidRange>& uids, std::size_t limit) {
  Sieve sieve(uids, limit, 0);
  sieve.take(page);
  return sieve.found();
}

Task<Result<std::vector<Member>>> read_members(store::View& view, MailboxNumber mailbox, std::vector<UidRange> uids, std::size_t limit,
                                               std::uint8_t flags) {
  Sieve sieve(uids, limit, flags);
  for (const PageRange range : pages_of(uids)) {
    if (sieve.full()) break;
    if (range.first == range.last) {  // a look-up needs no thread of its own
      GODWIT_CO_ASSIGN(const auto row, co_await view.get(Keyspace::mailbox, messages_key(mailbox, range.first)));
      if (row) GODWIT_CO_TRY(sieve.take(*row));
      continue;
    }
    RangeScan scan(view, Keyspace::mailbox, messages_key(mailbox, range.first), messages_key(mailbox, range.last + 1));
    while (!sieve.full()) {
      GODWIT_CO_ASSIGN(const auto rows, co_await scan.next(sieve.next()));
      if (rows.empty()) break;
      for (const auto& row : rows) GODWIT_CO_TRY(sieve.take(row));
    }
  }
  co_return sieve.found();
}

Task<Result<Keywords>> read_keywords(store::View& view) {
  std::vector<std::string> names;
  PrefixScan scan(view, Keyspace::mailbox, std::string(kAllKeywords));
  for (;;) {
    GODWIT_CO_ASSIGN(auto rows, co_await scan.next());
    if (rows.empty()) break;
    for (auto& row : rows) {
      GODWIT_CO_ASSIGN(const KeywordNumber number, parse_keyword_key(row.key));
      names.resize(std::max<std::size_t>(names.size(), number + 1u));
      names[number] = std::move(row.value);
    }
  }
  co_return Keywords(std::move(names));
}

MessageInfo as_info(const Member& member) {
  const Membership& row = member.row;
  return {member.uid, row.email, row.size, row.flags, row.modseq, row.received, row.saved, row.keywords};
}

std::vector<UidRange> normalised(std::vector<UidRange> uids) {
  for (auto& each : uids) each.first = std::max(each.first, 1u);
  std::erase_if(uids, [](const UidRange& each) { return each.last < each.first; });
  if (!std::ranges::is_sorted(uids, {}, &UidRange::first)) std::ranges::sort(uids, {}, &UidRange::first);
  std::vector<UidRange> out;
  for (const auto& each : uids) {
    if (!out.empty() && (each.first <= out.back().last || each.first - 1 == out.back().last))
      out.back().last = std::max(out.back().last, each.last);
    else
      out.push_back(each);
  }
  return out;
}

void skip_to(std::vector<UidRange>& uids, Uid uid) {
  const auto first = std::ranges::find_if(uids, [uid](const UidRange& each) { return each.last >= uid; });
  uids.erase(uids.begin(), first);
  if (!uids.empty()) uids.front().first = std::max(uids.front().first, uid);
}

}  // namespace godwit::mailbox
