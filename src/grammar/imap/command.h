#pragma once
// What clients ask for: the commands of IMAP4rev1 (RFC 3501) and IMAP4rev2 (RFC 9051) with their extensions, as values.
//
// The text of a command is its line without the CRLF at the end; a literal stands in it as it came, "{3}" CRLF "abc". The messages of an
// APPEND alone do not: their text goes on right behind the CRLF, and they are known by their order (`CommandReader` puts it together).
// Nothing here knows the state of the session, what is announced, or what exists. Values and pure functions, any thread.
//
// Mailbox names are UTF-8 whatever the dialect (mailbox_name.h). Every count has its bound in limits.h; parsing takes linear time.

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include "base/result.h"
#include "grammar/imap/date.h"
#include "grammar/imap/dialect.h"
#include "grammar/imap/fetch_item.h"
#include "grammar/imap/flags.h"
#include "grammar/imap/search_key.h"
#include "grammar/imap/sequence_set.h"

namespace godwit::imap {

struct Capability {};
struct Noop {};
struct Logout {};
struct StartTls {};
struct Namespace {};
struct Idle {};  // ended by `is_done`
struct Check {};
struct Close {};
struct Unselect {};
struct Compress {};  // DEFLATE, the only one there is (RFC 4978)

struct Authenticate {
  std::string mechanism;                        // in upper case
  std::optional<std::string> initial_response;  // still base64; "" for "=" (RFC 4959 3)
};

struct Login {
  std::string user;
  std::string password;
};

struct Enable {
  std::vector<std::string> capabilities;  // in upper case; unknown ones are no error (RFC 5161 3.1)
};

struct Id {
  std::vector<std::pair<std::string, std::optional<std::string>>> fields;  // as written; none for NIL
};

// RFC 7162 3.2.5.1
struct Qresync {
  std::uint32_t uid_validity = 0;
  std::uint64_t modseq = 0;
  std::optional<NumberSet> known_uids;
  // Message numbers and the UIDs that the client has for them, in the order of the numbers: as many of these as of those.
  std::optional<std::pair<NumberSet, NumberSet>> sequence_match;
};

struct Select {
  std::string mailbox;
  bool examine = false;
  bool condstore = false;
  std::optional<Qresync> qresync;
};

struct Create {
  std::string mailbox;
  std::vector<std::string> special_uses;  // RFC 6154 3: "\Sent", as written
};

struct Delete {
  std::string mailbox;
};

struct Rename {
  std::string from;
  std::string to;
};

struct Subscribe {
  std::string mailbox;
  bool subscribe = true;  // false: UNSUBSCRIBE
};

// RFC 9051 6.3.11, RFC 3501 (RECENT), RFC 7162 3.1.2, RFC 7889 5, RFC 8474 4.3, RFC 9208 4.1.4
enum class StatusItem : std::uint8_t {
  messages,
  recent,
  uid_next,
  uid_validity,
  unseen,
  deleted,
  size,
  highest_modseq,
  append_limit,
  mailbox_id,
  deleted_storage
};
std::string_view to_string(StatusItem item);  // "UIDNEXT"

struct Status {
  std::string mailbox;
  std::vector<StatusItem> items;  // each once
};

// LIST (RFC 9051 6.3.9, RFC 5258, 5819, 6154), LSUB (RFC 3501 6.3.9), XLIST
struct List {
  enum class Form : std::uint8_t { list, lsub, xlist };

  Form form = Form::list;
  bool extended = false;              // something of RFC 5258 was used: `LIST "" ""` is no special case then
  std::string reference;              // UTF-8, as patterns are
  std::vector<std::string> patterns;  // at least one
  bool select_subscribed = false;
  bool select_remote = false;
  bool select_special_use = false;
  bool recursive_match = false;
  bool return_subscribed = false;
  bool return_children = false;
  bool return_special_use = false;
  std::vector<StatusItem> return_status;  // RFC 5819; empty: not asked for
};

struct AppendMessage {
  Flags flags;
  std::optional<DateTime> internal_date;
  std::uint64_t size = 0;  // of the literal. RFC 3502 6.3.11: 0 calls the whole command off
  bool binary = false;     // literal8 (RFC 3516 4.4): may hold NUL
  bool utf8 = false;       // UTF8 (~{n}), RFC 6855 4
};

struct Append {
  std::string mailbox;
  std::vector<AppendMessage> messages;  // at least one, in the order of their literals
};

struct Expunge {
  std::optional<SequenceSet> uids;  // UID EXPUNGE
};

// COPY, MOVE (RFC 6851)
struct Copy {
  bool uid = false;
  bool move = false;
  SequenceSet set;
  std::string mailbox;
};

struct Fetch {
  bool uid = false;
  SequenceSet set;
  std::vector<FetchItem> items;  // macros are written out
  std::optional<std::uint64_t> changed_since;
  bool vanished = false;  // RFC 7162 3.2.6: only with `uid` and `changed_since`
};

struct Store {
  enum class Change : std::uint8_t { replace, add, remove };

  bool uid = false;
  SequenceSet set;
  Change change = Change::replace;
  bool silent = false;
  Flags flags;
  std::optional<std::uint64_t> unchanged_since;
};

// RFC 4731 3.1, RFC 5182. RETURN () is `all`.
struct ReturnOptions {
  bool min = false;
  bool max = false;
  bool all = false;
  bool count = false;
  bool save = false;
};

struct Search {
  bool uid = false;
  std::optional<ReturnOptions> options;  // none: the answer is SEARCH, in rev2 ESEARCH
  std::string charset;                   // in upper case; "" when not given
  SearchKey key;                         // a conjunction when there are several
};

struct SortCriterion {
  // RFC 5256 3, RFC 5957
  enum class Key : std::uint8_t { arrival, cc, date, display_from, display_to, from, size, subject, to };

  Key key = Key::date;
  bool reverse = false;
};

struct Sort {
  bool uid = false;
  std::optional<ReturnOptions> options;  // RFC 5267 3.1: ESORT
  std::vector<SortCriterion> criteria;   // at least one
  std::string charset;
  SearchKey key;
};

struct Thread {
  enum class Algorithm : std::uint8_t { ordered_subject, references };

  bool uid = false;
  Algorithm algorithm = Algorithm::references;
  std::string charset;
  SearchKey key;
};

struct GetQuota {
  std::string root;
};

struct GetQuotaRoot {
  std::string mailbox;
};

struct SetQuota {
  std::string root;
  std::vector<std::pair<std::string, std::uint64_t>> limits;  // resource in upper case
};

using Request = std::variant<Capability, Noop, Logout, StartTls, Authenticate, Login, Enable, Id, Select, Create, Delete, Rename, Subscribe,
                             List, Namespace, Status, Append, Idle, Check, Close, Unselect, Expunge, Copy, Fetch, Store, Search, Sort,
                             Thread, GetQuota, GetQuotaRoot, SetQuota, Compress>;

struct Command {
  std::string tag;
  Request request;
};

// The tag at the front of a command, for the reply to one that cannot be read; "*" if there is none (RFC 9051 7.1.3).
std::string_view tag_of(std::string_view text);

// Errors carry the position and a sentence for "tag BAD": `syntax`; `unsupported` for a command or an option that we do not know;
// `limit` for more than limits.h allows. A mailbox name that cannot be is `denied`: "tag NO [CANNOT]".
Result<Command> parse_command(std::string_view text, const Dialect& dialect = {});

// "UID FETCH", for the reply and the log.
std::string_view name_of(const Request& request);

// The line that ends IDLE: RFC 9051 6.3.13.
bool is_done(std::string_view line);

}  // namespace godwit::imap
