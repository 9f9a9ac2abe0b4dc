#include "edge/net/socks5.h"

#include <algorithm>
#include <array>
#include <span>

#include "edge/net/deadline_stream.h"

namespace godwit::net {
namespace {

// RFC 1928 3, 4, 6; RFC 1929 2
constexpr char kVersion = 5;
constexpr char kLoginVersion = 1;
constexpr char kNoLogin = 0;
constexpr char kUserAndPassword = 2;
constexpr char kConnect = 1;
constexpr char kIpv4 = 1;
constexpr char kName = 3;
constexpr char kIpv6 = 4;
constexpr Duration kNoLimit = std::chrono::hours(1);  // the deadline is nearer

Error of_proxy(std::string text) { return Error::permanent(Error::Cause::io, "the SOCKS proxy " + std::move(text)); }
Error of_destination(std::string text) { return Error::temporary(Error::Cause::io, "the SOCKS proxy says: " + std::move(text)); }

// Whoever gave up did not ask the proxy's opinion.
Error not_answered(Error error) {
  if (error.cause == Error::Cause::cancelled) return error;
  return of_proxy("does not answer: " + error.text);
}

Task<Result<void>> read_all(Stream& stream, std::span<char> into) {
  while (!into.empty()) {
    const auto count = co_await stream.read(into, kNoLimit);
    if (!count) co_return fail(not_answered(count.error()));
    if (*count == 0) co_return fail(of_proxy("closed the connection"));
    into = into.subspan(*count);
  }
  co_return Result<void>{};
}

Task<Result<void>> write_all(Stream& stream, std::string bytes, Duration timeout) {
  auto written = co_await stream.write(bytes, timeout);
  if (!written) co_return fail(not_answered(std::move(written).error()));
  co_return written;
}

// RFC 1929 2
Task<Result<void>> log_in(Stream& stream, const Socks5Login& login, Duration timeout) {
  std::string request(1, kLoginVersion);
  request.append(1, static_cast<char>(login.user.size())).append(login.user);
  request.append(1, static_cast<char>(login.password.size())).append(login.password);
  GODWIT_CO_TRY(co_await write_all(stream, std::move(request), timeout));
  std::array<char, 2> answer{};
  const std::span<char> room(answer);
  GODWIT_CO_TRY(co_await read_all(stream, room));
  if (answer[0] != kLoginVersion) co_return fail(of_proxy("made no sense in its answer to the login"));
  if (answer[1] != 0) co_return fail(of_proxy("refused user or password"));
  co_return Result<void>{};
}

// RFC 1928 3
Task<Result<void>> agree_on_login(Stream& stream, const Socks5Login* login, Duration timeout) {
  std::string hello(1, kVersion);
  hello += login ? std::string{2, kNoLogin, kUserAndPassword} : std::string{1, kNoLogin};
  GODWIT_CO_TRY(co_await write_all(stream, std::move(hello), timeout));
  std::array<char, 2> answer{};
  const std::span<char> room(answer);
  GODWIT_CO_TRY(co_await read_all(stream, room));
  if (answer[0] != kVersion) co_return fail(of_proxy("does not speak SOCKS 5"));
  if (answer[1] == kNoLogin) co_return Result<void>{};
  if (answer[1] != kUserAndPassword || !login)
    co_return fail(of_proxy(login ? "takes neither a password nor a client without one" : "wants a login: name user and password_file"));
  co_return co_await log_in(stream, *login, timeout);
}

std::string request_for(const Endpoint& to) {
  std::string request{kVersion, kConnect, 0, to.address.v6 ? kIpv6 : kIpv4};
  for (std::size_t i = 0; i < (to.address.v6 ? 16U : 4U); ++i) request.push_back(static_cast<char>(to.address.bytes[i]));
  request.push_back(static_cast<char>(to.port >> 8));
  request.push_back(static_cast<char>(to.port & 0xff));
  return request;
}

// RFC 1928 6: what is wrong lies behind the proxy, whatever it says of the reason.
Error refused(unsigned char reply) {
  switch (reply) {
    case 1: return of_destination("general failure");
    case 2: return of_destination("not allowed by its rules");
    case 3: return of_destination("network unreachable");
    case 4: return of_destination("host unreachable");
    case 5: return of_destination("connection refused");
    case 6: return of_destination("TTL expired");
    case 7: return of_proxy("knows no CONNECT");
    case 8: return of_destination("address family not supported");
    default: return of_destination("failure " + std::to_string(reply));
  }
}

// The address from which the proxy connected; nobody asks for it, but it has to be taken off the stream.
Task<Result<void>> skip_address(Stream& stream, char type) {
  std::array<char, 256 + 2> bytes{};
  std::size_t size = 0;
  if (type == kIpv4) size = 4;
  if (type == kIpv6) size = 16;
  if (type == kName) {
    const std::span<char> length(bytes.data(), 1);
    GODWIT_CO_TRY(co_await read_all(stream, length));
    size = static_cast<unsigned char>(bytes[0]);
  }
  if (size == 0) co_return fail(of_proxy("made no sense in its answer"));
  const std::span<char> rest(bytes.data(), size + 2);
  co_return co_await read_all(stream, rest);
}

}  // namespace

Task<Result<void>> socks5_connect(Stream& stream, const Clock& clock, Endpoint to, const Socks5Login* login, SteadyTime deadline) {
  DeadlineStream bounded(stream, clock, deadline);
  const Duration timeout = std::max(Duration(1), deadline - clock.steady());
  GODWIT_CO_TRY(co_await agree_on_login(bounded, login, timeout));
  GODWIT_CO_TRY(co_await write_all(bounded, request_for(to), timeout));
  std::array<char, 4> head{};
  const std::span<char> room(head);
  auto answered = co_await read_all(bounded, room);
  // The proxy has been polite so far: it is the destination that it waits for.
  if (!answered && answered.error().cause != Error::Cause::cancelled)
    co_return fail(of_destination("nothing for so long (" + answered.error().text + ")"));
  GODWIT_CO_TRY(std::move(answered));
  if (head[0] != kVersion) co_return fail(of_proxy("does not speak SOCKS 5"));
  if (head[1] != 0) co_return fail(refused(static_cast<unsigned char>(head[1])));
  co_return co_await skip_address(bounded, head[3]);
}

}  // namespace godwit::net
