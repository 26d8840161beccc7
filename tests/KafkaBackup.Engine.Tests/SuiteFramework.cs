using System.Reflection;
using KafkaBackup.Engine.Tests.Storage.Azure;
using KafkaBackup.Engine.Tests.Storage.S3;
using KafkaBackup.Testing.Azure;
using KafkaBackup.Testing.S3;
using Xunit.Abstractions;
using Xunit.Sdk;

[assembly: TestFramework("KafkaBackup.Engine.Tests.SuiteFramework", "KafkaBackup.Engine.Tests")]

namespace KafkaBackup.Engine.Tests;

/// <summary>
/// Xunit's own with two additions. It ends every asynchronous test that hangs: the limit is the same for all and has nothing to do with
/// speed; a test that needs longer says so itself (<c>[Fact(Timeout = …)]</c>). And it leaves out
/// classes that need a server (<see cref="NeedsS3ServerAttribute"/>, <see cref="NeedsAzureServerAttribute"/>) where there is none. Synchronous tests that hang are ended by the
/// runner (build.sh), since xunit cannot.
/// </summary>
public sealed class SuiteFramework(IMessageSink messages) : XunitTestFramework(messages)
{
    protected override ITestFrameworkDiscoverer CreateDiscoverer(IAssemblyInfo assemblyInfo) =>
        new Discoverer(assemblyInfo, SourceInformationProvider, DiagnosticMessageSink);

    protected override ITestFrameworkExecutor CreateExecutor(AssemblyName assemblyName) =>
        new Executor(assemblyName, SourceInformationProvider, DiagnosticMessageSink);

    private sealed class Discoverer(IAssemblyInfo assembly, ISourceInformationProvider sources, IMessageSink messages)
        : XunitTestFrameworkDiscoverer(assembly, sources, messages)
    {
        protected override bool IsValidTestClass(ITypeInfo type) =>
            base.IsValidTestClass(type)
            && (S3TestServer.WhyNot is null || !type.GetCustomAttributes(typeof(NeedsS3ServerAttribute)).Any())
            && (AzureTestServer.WhyNot is null || !type.GetCustomAttributes(typeof(NeedsAzureServerAttribute)).Any());
    }

    private sealed class Executor(AssemblyName assembly, ISourceInformationProvider sources, IMessageSink messages)
        : XunitTestFrameworkExecutor(assembly, sources, messages)
    {
        private const int LimitMs = 180_000;

        // xunit 2 knows a limit per test only, and offers no other way in.
        private static readonly PropertyInfo TimeoutProperty = typeof(XunitTestCase).GetProperty(nameof(XunitTestCase.Timeout))!;

        protected override void RunTestCases(
            IEnumerable<IXunitTestCase> testCases,
            IMessageSink executionMessageSink,
            ITestFrameworkExecutionOptions executionOptions
        )
        {
            var cases = testCases.ToList();
            foreach (var test in cases.OfType<XunitTestCase>().Where(test => test.Timeout == 0 && IsAsynchronous(test.Method)))
            {
                TimeoutProperty.SetValue(test, LimitMs);
            }

            base.RunTestCases(cases, executionMessageSink, executionOptions);
        }

        private static bool IsAsynchronous(IMethodInfo method) => method.ReturnType.Name == typeof(Task).FullName;
    }
}
