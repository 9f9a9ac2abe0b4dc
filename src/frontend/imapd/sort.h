#pragma once
// SORT: RFC 5256 3 with the criteria of RFC 5957 (SORT=DISPLAY).
//
// Text goes by i;unicode-casemap (RFC 5051; of subjects the base subject), dates by UTC, those without a Date that can be read by the
// internal date; what compares equal stays in the order of the mailbox, also under REVERSE.
//
// Memory: for each message and criterion 8 bytes, and of texts the kMaxSortText first ones as they are compared; so 100,000 messages by
// subject take a few MB, and never more than 27 MB a criterion.

#include <string>
#include <vector>

#include "frontend/imapd/heading.h"
#include "frontend/imapd/search.h"
#include "grammar/imap/command.h"

namespace godwit::imapd {

// `uids` ascending, as search() found them. Those that are gone meanwhile are left out; of a message that cannot be read all texts are
// empty. Errors as search().
Task<Result<std::vector<mailbox::Uid>>> sort(Searching searching, std::vector<imap::SortCriterion> criteria,
                                             std::vector<mailbox::Uid> uids);

}  // namespace godwit::imapd
