using KafkaBackup.Testing.S3;
using Xunit;

namespace KafkaBackup.Engine.Tests.Storage.S3;

/// <summary>A test that needs a real S3 server; where there can be none, the reason is its result.</summary>
public sealed class S3FactAttribute : FactAttribute
{
    public S3FactAttribute() => Skip = S3TestServer.WhyNot;
}

public sealed class S3TheoryAttribute : TheoryAttribute
{
    public S3TheoryAttribute() => Skip = S3TestServer.WhyNot;
}
