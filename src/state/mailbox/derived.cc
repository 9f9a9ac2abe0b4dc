#include "state/mailbox/derived.h"

#include <algorithm>
#include <span>

#include "state/mailbox/mailbox_impl.h"

namespace godwit::mailbox {
namespace {

// How many of the messages to have the details of at once. These are not much larger than a message, and most of a message is no envelope;
// a structure of many parts takes 20 times its message.
std::size_t some_of(std::span<const MessageInfo> infos, std::uint8_t want) {
  struct Limits {
    std::size_t messages;
    std::uint64_t bytes;
    std::uint64_t bytes_each;  // more of a message does not count
  };
  const Limits limits = (want & Details::kStructure) != 0  ? Limits{200, 1 << 20, 256 * 1024}
                        : (want & Details::kEnvelope) != 0 ? Limits{200, 8 << 20, 128 * 1024}
                                                           : Limits{1'024, 8 << 20, 48 * 1024};
  std::uint64_t bytes = 0;
  std::size_t count = 0;
  while (count < std::min(infos.size(), limits.messages) && bytes < limits.bytes) bytes += std::min(infos[count++].size, limits.bytes_each);
  return count;
}

void add_uid(std::vector<UidRange>& ranges, Uid uid) {
  if (!ranges.empty() && ranges.back().last + 1 == uid)
    ranges.back().last = uid;
  else
    ranges.push_back({uid, uid});
}

std::vector<UidRange> missing_in(const DerivedPage* page, const std::vector<UidRange>& wanted) {
  if (page == nullptr) return wanted;
  std::vector<UidRange> out;
  for (const auto& range : wanted) {
    // most often all of them are there: then they stand one behind the other
    const std::size_t first = page->find(range.first);
    const std::size_t last = first + (range.last - range.first);
    if (page->settled() && last < page->count() && page->uid(first) == range.first && page->uid(last) == range.last) continue;
    for (std::uint64_t uid = range.first; uid <= range.last; ++uid) {
      if (!page->has(static_cast<Uid>(uid))) add_uid(out, static_cast<Uid>(uid));
    }
  }
  return out;
}

struct NewRecord {
  Uid uid = 0;
  std::string record;
  bool settled = false;
};

// `known` with the new ones (ascending), without those that have gone.
DerivedPage merged(const DerivedPage* known, const std::vector<NewRecord>& fresh, const UidSet& there) {
  DerivedPage out;
  std::size_t bytes = known == nullptr ? 0 : known->memory();
  for (const auto& each : fresh) bytes += each.record.size();
  out.reserve((known == nullptr ? 0 : known->count()) + fresh.size(), bytes);
  std::size_t next = 0;
  const auto add_known = [&](std::uint64_t before) {
    for (; known != nullptr && next < known->count() && known->uid(next) < before; ++next) {
      const Uid uid = known->uid(next);
      if (there.contains(uid)) out.add(uid, known->record(next), known->settled() || known->has(uid));
    }
  };
  for (const auto& each : fresh) {
    add_known(each.uid);
    if (known != nullptr && next < known->count() && known->uid(next) == each.uid) ++next;
    out.add(each.uid, each.record, each.settled);
  }
  add_known(UINT64_MAX);
  out.shrink();
  return out;
}

}  // namespace

Task<Result<Listing>> Mailboxes::listing(directory::AccountId account, MailboxNumber mailbox) {
  GODWIT_CO_ASSIGN(const Mailbox state, co_await status(account, mailbox));
  GODWIT_CO_ASSIGN(UidSet there, co_await uids(account, mailbox));
  co_return Listing{account, mailbox, state.uid_validity, std::move(there)};
}

Task<Result<std::shared_ptr<const DerivedPage>>> Mailboxes::derived(const Listing& listing, std::vector<UidRange> uids,
                                                                    const Derivation& derivation) {
  GODWIT_CHECK(!uids.empty() && uids.front().first / kDerivedUids == uids.back().last / kDerivedUids);
  const DerivedCache::Key key{listing.account, listing.mailbox, listing.uid_validity, derivation.kind, uids.front().first / kDerivedUids};
  const auto known = impl_->derived.find(key);
  auto missing = missing_in(known.get(), listing.uids.intersect(uids));
  if (missing.empty()) co_return known != nullptr ? known : std::make_shared<const DerivedPage>();
  GODWIT_CO_ASSIGN(const auto infos, co_await messages(listing.account, listing.mailbox, std::move(missing)));
  std::vector<NewRecord> fresh;
  fresh.reserve(infos.size());
  for (std::span<const MessageInfo> rest = infos; !rest.empty();) {
    const auto some = rest.first(some_of(rest, derivation.want));
    rest = rest.subspan(some.size());
    std::vector<EmailId> ids;
    for (const auto& info : some) ids.push_back(info.email);
    GODWIT_CO_ASSIGN(const auto read, co_await details(listing.account, std::move(ids), derivation.want));
    for (std::size_t i = 0; i < some.size(); ++i) {
      const Details* found = read[i] ? &*read[i] : nullptr;
      fresh.push_back({some[i].uid, derivation.make(some[i], found), found != nullptr});
    }
  }
  auto page = std::make_shared<const DerivedPage>(merged(known.get(), fresh, listing.uids));
  impl_->derived.keep(key, page);
  co_return page;
}

}  // namespace godwit::mailbox
