#include "base/log.h"
#include "frontend/imapd/session.h"
#include "grammar/imap/writer.h"

namespace godwit::imapd {

// RFC 2971 3. What clients say of themselves helps whoever reads the log.
Task<Reply> Session::cmd(imap::Id command) {
  std::string said;
  for (const auto& [name, value] : command.fields) {
    if (!value || said.size() > 500) continue;
    said += (said.empty() ? "" : ", ") + name + "=" + *value;
  }
  if (!said.empty()) log::info("client_id", {{"session", id_}, {"protocol", "imap"}, {"id", said}});
  out_.untagged(R"(ID ("name" "Godwit" "version" "0.1.0"))");
  co_return Reply::ok("Nice to meet you");
}

}  // namespace godwit::imapd
