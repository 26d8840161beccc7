using KafkaBackup.Testing.S3;
using Xunit;
using Xunit.Abstractions;
using Xunit.Sdk;

[assembly: TestFramework("KafkaBackup.Engine.Tests.Storage.S3.ServerAwareFramework", "KafkaBackup.Engine.Tests")]

namespace KafkaBackup.Engine.Tests.Storage.S3;

/// <summary>
/// On a class that inherits its tests from one that needs no server: their attributes cannot say why they are skipped, and xunit 2 has no other way. Where there
/// can be no server such a class is left out as a whole; the tests with <see cref="S3FactAttribute"/> say so.
/// </summary>
[AttributeUsage(AttributeTargets.Class)]
public sealed class NeedsS3ServerAttribute : Attribute;

/// <summary>Xunit's own, but for those classes.</summary>
public sealed class ServerAwareFramework(IMessageSink messageSink) : XunitTestFramework(messageSink)
{
    protected override ITestFrameworkDiscoverer CreateDiscoverer(IAssemblyInfo assemblyInfo) =>
        new Discoverer(assemblyInfo, SourceInformationProvider, DiagnosticMessageSink);

    private sealed class Discoverer(IAssemblyInfo assembly, ISourceInformationProvider source, IMessageSink messages)
        : XunitTestFrameworkDiscoverer(assembly, source, messages)
    {
        protected override bool IsValidTestClass(ITypeInfo type) =>
            base.IsValidTestClass(type) && (S3TestServer.WhyNot is null || !type.GetCustomAttributes(typeof(NeedsS3ServerAttribute)).Any());
    }
}
