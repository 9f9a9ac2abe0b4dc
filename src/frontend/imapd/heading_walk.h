#pragma once
// Goes over messages of a mailbox by their headings (heading.h), a page at a time, letting others run in between. What stands in the store
// is read for those alone whose headings are not in memory. Internal to SEARCH, SORT and THREAD.

#include <functional>
#include <optional>
#include <vector>

#include "frontend/imapd/heading.h"
#include "frontend/imapd/message_text.h"
#include "frontend/imapd/search.h"

namespace godwit::imapd {

// Ranges of UIDs (ascending, disjoint), cut where pages of derived records begin: a vector a page.
std::vector<std::vector<mailbox::UidRange>> by_page(const std::vector<mailbox::UidRange>& uids);

class HeadingWalk {
 public:
  // `searching` outlives it. `whole_if_cut`: asks for the details of a heading that is cut.
  HeadingWalk(const Searching& searching, bool whole_if_cut)
      : searching_(searching), whole_if_cut_(whole_if_cut), pace_(searching.stop), derivation_(derive_heading()) {}

  // Calls `each` for every message of `uids` that was still there when the first call began, by UID. `whole`: as above, null if it cannot
  // be read or was not asked for. Errors as search().
  using Each = std::function<void(mailbox::Uid uid, const Heading& heading, const mailbox::Details* whole)>;
  Task<Result<void>> run(std::vector<mailbox::UidRange> uids, Each each);

 private:
  Task<Result<void>> walk_page(std::vector<mailbox::UidRange> uids, const Each& each);
  Task<Result<std::optional<mailbox::Details>>> read_whole(mailbox::EmailId email);

  const Searching& searching_;
  const bool whole_if_cut_;
  SearchPace pace_;
  const mailbox::Derivation derivation_;
  std::optional<mailbox::Listing> listing_;
};

}  // namespace godwit::imapd
