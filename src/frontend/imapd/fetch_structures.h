#pragma once
// FETCH of BODYSTRUCTURE or BODY and no more (UID apart) of many messages: as a client does that has not seen the mailbox before. The texts
// are kept in memory (state/mailbox/derived.h), those of 8 KiB at most. Internal to fetch.

#include <vector>

#include "frontend/imapd/fetch.h"
#include "frontend/imapd/fetch_plan.h"

namespace godwit::imapd {

// Whether fetch_structures() can do it, and it pays.
bool is_for_fetch_structures(const FetchPlan& plan, std::size_t messages);

struct StructuresFetched {
  std::size_t gone = 0;
  std::vector<Numbered> left;  // nothing was written of these: they have to be looked at one by one
};
// Writes the responses. Errors: the mailbox cannot be read.
Task<Result<StructuresFetched>> fetch_structures(Fetching& fetching, const FetchPlan& plan, const std::vector<Numbered>& messages);

}  // namespace godwit::imapd
