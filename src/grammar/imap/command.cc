#include "grammar/imap/command.h"

#include <algorithm>
#include <array>

#include "base/bytes.h"
#include "grammar/imap/command_names.h"
#include "grammar/imap/parsers.h"

namespace godwit::imap {
namespace {

template <class Request_>
Result<Request> parse_nothing(Cursor& /*cursor*/, bool /*uid*/) {
  return Request_{};
}

enum class Uid : std::uint8_t { never, may };

struct Keyword {
  std::string_view name;
  Parser parse;
  Uid uid = Uid::never;
};

constexpr std::array kKeywords = std::to_array<Keyword>({
    {"CAPABILITY", parse_nothing<Capability>},
    {"NOOP", parse_nothing<Noop>},
    {"LOGOUT", parse_nothing<Logout>},
    {"STARTTLS", parse_nothing<StartTls>},
    {"AUTHENTICATE", parse_authenticate},
    {"LOGIN", parse_login},
    {"ENABLE", parse_enable},
    {"ID", parse_id},
    {"SELECT", parse_select},
    {"EXAMINE", parse_examine},
    {"CREATE", parse_create},
    {"DELETE", parse_delete},
    {"RENAME", parse_rename},
    {"SUBSCRIBE", parse_subscribe},
    {"UNSUBSCRIBE", parse_unsubscribe},
    {"LIST", parse_list},
    {"LSUB", parse_lsub},
    {"XLIST", parse_xlist},
    {"NAMESPACE", parse_nothing<Namespace>},
    {"STATUS", parse_status},
    {"APPEND", parse_append},
    {"IDLE", parse_nothing<Idle>},
    {"CHECK", parse_nothing<Check>},
    {"CLOSE", parse_nothing<Close>},
    {"UNSELECT", parse_nothing<Unselect>},
    {"EXPUNGE", parse_expunge, Uid::may},
    {"COPY", parse_copy, Uid::may},
    {"MOVE", parse_move, Uid::may},
    {"FETCH", parse_fetch, Uid::may},
    {"STORE", parse_store, Uid::may},
    {"SEARCH", parse_search, Uid::may},
    {"SORT", parse_sort, Uid::may},
    {"THREAD", parse_thread, Uid::may},
    {"GETQUOTA", parse_get_quota},
    {"GETQUOTAROOT", parse_get_quota_root},
    {"SETQUOTA", parse_set_quota},
    {"COMPRESS", parse_compress},
});

const Keyword* find_keyword(std::string_view name) {
  const auto found = std::ranges::find(kKeywords, name, &Keyword::name);
  return found == kKeywords.end() ? nullptr : &*found;
}

struct NamedCommand {
  const Keyword* keyword;
  bool uid;
};

Result<NamedCommand> read_name(Cursor& cursor) {
  const std::size_t begin = cursor.position();
  std::string name = cursor.word();
  const bool uid = name == "UID";
  if (uid) {
    GODWIT_TRY(cursor.space());
    name = cursor.word();
  }
  if (name.empty()) return fail(cursor.wrong("a command is expected"));
  const Keyword* const keyword = find_keyword(name);
  const bool ends = cursor.at_end() || cursor.peek() == ' ';
  if (keyword == nullptr || !ends || (uid && keyword->uid == Uid::never)) {
    return fail({Error::Kind::permanent, Error::Cause::unsupported, "unknown command", begin});
  }
  return NamedCommand{keyword, uid};
}

std::string_view with_uid(bool uid, std::string_view name) { return uid ? name : name.substr(4); }

struct Namer {
  std::string_view operator()(const Capability& /*request*/) const { return "CAPABILITY"; }
  std::string_view operator()(const Noop& /*request*/) const { return "NOOP"; }
  std::string_view operator()(const Logout& /*request*/) const { return "LOGOUT"; }
  std::string_view operator()(const StartTls& /*request*/) const { return "STARTTLS"; }
  std::string_view operator()(const Namespace& /*request*/) const { return "NAMESPACE"; }
  std::string_view operator()(const Idle& /*request*/) const { return "IDLE"; }
  std::string_view operator()(const Check& /*request*/) const { return "CHECK"; }
  std::string_view operator()(const Close& /*request*/) const { return "CLOSE"; }
  std::string_view operator()(const Unselect& /*request*/) const { return "UNSELECT"; }
  std::string_view operator()(const Compress& /*request*/) const { return "COMPRESS"; }
  std::string_view operator()(const Authenticate& /*request*/) const { return "AUTHENTICATE"; }
  std::string_view operator()(const Login& /*request*/) const { return "LOGIN"; }
  std::string_view operator()(const Enable& /*request*/) const { return "ENABLE"; }
  std::string_view operator()(const Id& /*request*/) const { return "ID"; }
  std::string_view operator()(const Select& request) const { return request.examine ? "EXAMINE" : "SELECT"; }
  std::string_view operator()(const Create& /*request*/) const { return "CREATE"; }
  std::string_view operator()(const Delete& /*request*/) const { return "DELETE"; }
  std::string_view operator()(const Rename& /*request*/) const { return "RENAME"; }
  std::string_view operator()(const Subscribe& request) const { return request.subscribe ? "SUBSCRIBE" : "UNSUBSCRIBE"; }
  std::string_view operator()(const Status& /*request*/) const { return "STATUS"; }
  std::string_view operator()(const Append& /*request*/) const { return "APPEND"; }
  std::string_view operator()(const Expunge& request) const { return with_uid(request.uids.has_value(), "UID EXPUNGE"); }
  std::string_view operator()(const Copy& request) const { return with_uid(request.uid, request.move ? "UID MOVE" : "UID COPY"); }
  std::string_view operator()(const Fetch& request) const { return with_uid(request.uid, "UID FETCH"); }
  std::string_view operator()(const Store& request) const { return with_uid(request.uid, "UID STORE"); }
  std::string_view operator()(const Search& request) const { return with_uid(request.uid, "UID SEARCH"); }
  std::string_view operator()(const Sort& request) const { return with_uid(request.uid, "UID SORT"); }
  std::string_view operator()(const Thread& request) const { return with_uid(request.uid, "UID THREAD"); }
  std::string_view operator()(const GetQuota& /*request*/) const { return "GETQUOTA"; }
  std::string_view operator()(const GetQuotaRoot& /*request*/) const { return "GETQUOTAROOT"; }
  std::string_view operator()(const SetQuota& /*request*/) const { return "SETQUOTA"; }
  std::string_view operator()(const List& request) const {
    if (request.form == List::Form::lsub) return "LSUB";
    return request.form == List::Form::xlist ? "XLIST" : "LIST";
  }
};

}  // namespace

std::string_view tag_of(std::string_view text) {
  Cursor cursor(text, {});
  const auto tag = cursor.tag();
  const bool ends = cursor.at_end() || cursor.peek() == ' ';
  return tag && ends ? *tag : "*";
}

Result<CommandName> read_command_name(std::string_view text) {
  Cursor cursor(text, {});
  GODWIT_TRY(cursor.tag());
  GODWIT_TRY(cursor.space());
  GODWIT_ASSIGN(const NamedCommand named, read_name(cursor));
  return CommandName{named.keyword->name, cursor.position()};
}

Result<Command> parse_command(std::string_view text, const Dialect& dialect) {
  Cursor cursor(text, dialect);
  Command command;
  GODWIT_ASSIGN(command.tag, cursor.tag());
  GODWIT_TRY(cursor.space());
  GODWIT_ASSIGN(const NamedCommand named, read_name(cursor));
  GODWIT_ASSIGN(command.request, named.keyword->parse(cursor, named.uid));
  GODWIT_TRY(cursor.end());
  return command;
}

std::string_view name_of(const Request& request) { return std::visit(Namer(), request); }

bool is_done(std::string_view line) { return ascii_iequals(line, "DONE"); }

}  // namespace godwit::imap
