#include "edge/dns/resolver.h"

#include "edge/dns/name.h"

namespace godwit::dns {
namespace {

template <class Record>
Answer<Record> typed(Response response) {
  Answer<Record> answer;
  if (auto* records = std::get_if<std::vector<Record>>(&response.records)) answer.records = std::move(*records);
  static_cast<Outcome&>(answer) = std::move(response);
  return answer;
}

Response impossible(std::string name, const Error& error) {
  Response response;
  response.status = Status::nxdomain;
  response.canonical = std::move(name);
  response.cause = Error::Cause::syntax;
  response.reason = "not a domain name: " + error.text;
  return response;
}

}  // namespace

Task<Response> Resolver::ask(std::string name, Type type, Duration timeout) {
  auto normal = normal_name(name);
  if (!normal) co_return impossible(std::move(name), normal.error());
  Question question{std::move(*normal), type};
  co_return co_await resolve(std::move(question), timeout);
}

Task<Answer<Mx>> Resolver::mx(std::string name, Duration timeout) { co_return typed<Mx>(co_await ask(std::move(name), Type::mx, timeout)); }

Task<Answer<IpAddress>> Resolver::a(std::string name, Duration timeout) {
  co_return typed<IpAddress>(co_await ask(std::move(name), Type::a, timeout));
}

Task<Answer<IpAddress>> Resolver::aaaa(std::string name, Duration timeout) {
  co_return typed<IpAddress>(co_await ask(std::move(name), Type::aaaa, timeout));
}

Task<Answer<std::string>> Resolver::cname(std::string name, Duration timeout) {
  co_return typed<std::string>(co_await ask(std::move(name), Type::cname, timeout));
}

Task<Answer<std::string>> Resolver::txt(std::string name, Duration timeout) {
  co_return typed<std::string>(co_await ask(std::move(name), Type::txt, timeout));
}

Task<Answer<std::string>> Resolver::ptr(IpAddress address, Duration timeout) {
  std::string name = reverse_name(address);
  co_return typed<std::string>(co_await ask(std::move(name), Type::ptr, timeout));
}

Task<Answer<Tlsa>> Resolver::tlsa(std::string name, Duration timeout) {
  co_return typed<Tlsa>(co_await ask(std::move(name), Type::tlsa, timeout));
}

}  // namespace godwit::dns
