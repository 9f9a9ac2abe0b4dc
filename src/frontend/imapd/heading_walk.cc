#include "frontend/imapd/heading_walk.h"

#include <algorithm>

namespace godwit::imapd {

using mailbox::kDerivedUids;
using mailbox::Uid;
using mailbox::UidRange;

std::vector<std::vector<UidRange>> by_page(const std::vector<UidRange>& uids) {
  std::vector<std::vector<UidRange>> out;
  for (UidRange rest : uids) {
    for (;;) {
      const Uid end = rest.first / kDerivedUids * kDerivedUids + (kDerivedUids - 1);
      const UidRange here{rest.first, std::min(rest.last, end)};
      if (out.empty() || out.back().back().last / kDerivedUids != here.first / kDerivedUids) out.emplace_back();
      out.back().push_back(here);
      if (here.last == rest.last) break;
      rest.first = here.last + 1;
    }
  }
  return out;
}

Task<Result<void>> HeadingWalk::run(std::vector<UidRange> uids, Each each) {
  if (!listing_) {
    GODWIT_CO_ASSIGN(listing_, co_await searching_.mailboxes.listing(searching_.account, searching_.mailbox));
  }
  auto pages = by_page(listing_->uids.intersect(uids));
  for (auto& page : pages) {
    GODWIT_CO_TRY(co_await walk_page(std::move(page), each));
    GODWIT_CO_TRY(co_await pace_.rest());
  }
  co_return Result<void>{};
}

Task<Result<void>> HeadingWalk::walk_page(std::vector<UidRange> uids, const Each& each) {
  std::vector<UidRange> wanted = uids;
  GODWIT_CO_ASSIGN(const auto page, co_await searching_.mailboxes.derived(*listing_, std::move(wanted), derivation_));
  for (const UidRange range : uids) {
    for (std::size_t i = page->find(range.first); i < page->count() && page->uid(i) <= range.last; ++i) {
      const Heading heading = read_heading(page->record(i));
      if (!heading.cut || !whole_if_cut_) {
        each(page->uid(i), heading, nullptr);
        continue;
      }
      GODWIT_CO_ASSIGN(const auto whole, co_await read_whole(heading.email));
      each(page->uid(i), heading, whole ? &*whole : nullptr);
      GODWIT_CO_TRY(co_await pace_.rest());
    }
  }
  co_return Result<void>{};
}

Task<Result<std::optional<mailbox::Details>>> HeadingWalk::read_whole(mailbox::EmailId email) {
  std::vector<mailbox::EmailId> one(1, email);
  GODWIT_CO_ASSIGN(auto read, co_await searching_.mailboxes.details(searching_.account, std::move(one), derivation_.want));
  co_return read.front() ? std::optional(*std::move(read.front())) : std::nullopt;
}

}  // namespace godwit::imapd
