#include "state/mailbox/members.h"

#include <algorithm>

#include "base/bytes.h"
#include "state/mailbox/mailbox_impl.h"

namespace godwit::mailbox {
namespace {

using store::Keyspace;

constexpr Uid kSmallGap = 16;  // it costs less to read over than a scan of its own
constexpr store::ScanLimit kManyRows{10'000, 1 << 20};

bool is_in(const std::vector<UidRange>& uids, std::size_t& at, Uid uid) {
  while (at < uids.size() && uids[at].last < uid) ++at;
  return at < uids.size() && uids[at].first <= uid;
}

// Ranges so near each other that one scan reads them.
std::vector<UidRange> joined(const std::vector<UidRange>& uids) {
  std::vector<UidRange> out;
  for (const auto& each : uids) {
    if (!out.empty() && each.first - out.back().last <= kSmallGap)
      out.back().last = each.last;
    else
      out.push_back(each);
  }
  return out;
}

Result<void> take(const store::Row& row, std::uint8_t flags, std::vector<Member>& out) {
  GODWIT_ASSIGN(const auto key, parse_membership_key(row.key));
  GODWIT_ASSIGN(auto member, decode_membership(row.value));
  if ((member.flags & flags) == flags) out.push_back({key.uid, std::move(member)});
  return {};
}

std::string key_behind(MailboxNumber mailbox, Uid uid) {
  return uid == UINT32_MAX ? prefix_end(memberships_prefix(mailbox)) : membership_key(mailbox, uid + 1);
}

}  // namespace

Task<Result<std::vector<Member>>> read_members(store::View& view, MailboxNumber mailbox, std::vector<UidRange> uids, std::size_t limit,
                                               std::uint8_t flags) {
  std::vector<Member> out;
  std::size_t at = 0;
  for (const UidRange range : joined(uids)) {
    if (range.first == range.last) {  // a look-up needs no thread of its own
      GODWIT_CO_ASSIGN(const auto row, co_await view.get(Keyspace::mailbox, membership_key(mailbox, range.first)));
      if (row) GODWIT_CO_TRY(take(*row, flags, out));
      if (out.size() == limit) co_return out;
      continue;
    }
    RangeScan scan(view, Keyspace::mailbox, membership_key(mailbox, range.first), key_behind(mailbox, range.last));
    for (;;) {
      const std::size_t wanted = std::min(limit - out.size(), kManyRows.rows) + kSmallGap;
      const store::ScanLimit most{flags == 0 ? wanted : kManyRows.rows, kManyRows.bytes};
      GODWIT_CO_ASSIGN(const auto rows, co_await scan.next(most));
      if (rows.empty()) break;
      for (const auto& row : rows) {
        GODWIT_CO_ASSIGN(const auto key, parse_membership_key(row.key));
        if (is_in(uids, at, key.uid)) GODWIT_CO_TRY(take(row, flags, out));
        if (out.size() == limit) co_return out;
      }
    }
  }
  co_return out;
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

Task<Result<void>> read_dates(store::View& view, Membership& member) {
  if (member.dated) co_return Result<void>{};
  GODWIT_CO_ASSIGN(const auto row, co_await view.get(Keyspace::mailbox, email_key(member.email)));
  member.dated = true;
  if (!row) co_return Result<void>{};  // verify names it; the message is still listed
  GODWIT_CO_ASSIGN(const auto record, decode_email(row->value));
  member.received = record.email.received;
  member.saved = record.email.received;
  co_return Result<void>{};
}

MessageInfo as_info(const Member& member) {
  const Membership& row = member.row;
  return {member.uid, row.email, row.size, row.flags, row.modseq, row.received, row.saved, row.keywords};
}

std::vector<UidRange> normalised(std::vector<UidRange> uids) {
  for (auto& each : uids) each.first = std::max(each.first, 1u);
  std::erase_if(uids, [](const UidRange& each) { return each.last < each.first; });
  std::ranges::sort(uids, {}, &UidRange::first);
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
