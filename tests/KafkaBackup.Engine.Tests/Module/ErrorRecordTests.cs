using System.Text.RegularExpressions;
using KafkaBackup.Engine.Tests.Build;
using Xunit;

namespace KafkaBackup.Engine.Tests.Module;

public class ErrorRecordTests
{
    // System.Management.Automation.ErrorCategory of PowerShell 7.
    private static readonly string[] Categories =
    [
        "NotSpecified",
        "OpenError",
        "CloseError",
        "DeviceError",
        "DeadlockDetected",
        "InvalidArgument",
        "InvalidData",
        "InvalidOperation",
        "InvalidResult",
        "InvalidType",
        "MetadataError",
        "NotImplemented",
        "NotInstalled",
        "ObjectNotFound",
        "OperationStopped",
        "OperationTimeout",
        "SyntaxError",
        "ParserError",
        "PermissionDenied",
        "ResourceBusy",
        "ResourceExists",
        "ResourceUnavailable",
        "ReadError",
        "WriteError",
        "FromStdErr",
        "SecurityError",
        "ProtocolError",
        "ConnectionError",
        "AuthenticationError",
        "LimitsExceeded",
        "QuotaExceeded",
        "NotEnabled",
    ];

    [Fact]
    public void Every_kind_of_error_is_one_of_PowerShells_categories() => Assert.Empty(Enum.GetNames<ErrorKind>().Except(Categories));

    [Fact]
    public void About_errors_documents_no_error_that_does_not_exist()
    {
        var text = File.ReadAllText(Path.Combine(BuildOutputs.RepositoryRoot, "module", "en-US", "about_KafkaBackup_Errors.help.txt"));
        var documented = Regex
            .Matches(text, @"^    (\w+) \((\w+)\)\r?$", RegexOptions.Multiline)
            .Select(match => $"{match.Groups[1].Value} {match.Groups[2].Value}");
        var known = typeof(ErrorIds)
            .GetFields()
            .Select(field => (ErrorDefinition)field.GetValue(null)!)
            .Select(error => $"{error.Id} {error.Kind}");
        Assert.Equal(known.Order(StringComparer.Ordinal), documented.Order(StringComparer.Ordinal));
    }
}
