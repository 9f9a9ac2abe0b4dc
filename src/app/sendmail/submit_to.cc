#include <chrono>

#include "app/sendmail/submission.h"
#include "edge/net/unix_client.h"

namespace godwit::sendmail {
namespace {

// The server may have a full disk's worth of mail to sync before ours.
constexpr Duration kPatience = std::chrono::minutes(5);

Result<smtp::Reply> read_reply(net::UnixClient& client) {
  smtp::ReplyParser parser;
  while (true) {
    GODWIT_ASSIGN(const std::string line, client.read_line());
    GODWIT_ASSIGN(const bool whole, parser.add_line(line));
    if (whole) return parser.take();
  }
}

Result<void> send_chunk(net::UnixClient& client, std::string_view bytes) {
  while (!bytes.empty()) {
    const std::string_view chunk = bytes.substr(0, submit::kMaxChunk);
    GODWIT_TRY(client.write(submit::format_chunk_header(chunk.size())));
    GODWIT_TRY(client.write(chunk));
    bytes.remove_prefix(chunk.size());
  }
  return {};
}

}  // namespace

Result<smtp::Reply> submit_to(const std::string& socket, const Submission& submission) {
  GODWIT_ASSIGN(const std::string envelope, submit::format_envelope(submission.envelope));
  GODWIT_ASSIGN(net::UnixClient client, net::UnixClient::connect(socket, kPatience));
  GODWIT_TRY(client.write(envelope));
  GODWIT_ASSIGN(smtp::Reply reply, read_reply(client));
  if (!reply.intermediate()) return reply;
  auto sent = send_chunk(client, submission.head);
  if (sent) sent = submission.spool->each(submission.body, [&](std::string_view bytes) { return send_chunk(client, bytes); });
  if (sent) sent = client.write(submit::format_chunk_header(0));
  // a server that refuses half-way says why before it closes
  auto last = read_reply(client);
  if (!last && !sent) return fail(sent.error());
  return last;
}

}  // namespace godwit::sendmail
